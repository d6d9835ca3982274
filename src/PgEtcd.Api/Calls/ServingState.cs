using static PgEtcd.Protocol.GrpcHealth.HealthCheckResponse.Types;

namespace PgEtcd.Api.Calls;

/// <summary>Whether the server takes calls, as grpc.health.v1 tells it: from its start until it drains.</summary>
public sealed class ServingState
{
    private volatile Now _now = new(ServingStatus.Serving);

    /// <summary>What it is now, and a task that ends when that changes.</summary>
    public (ServingStatus Status, Task Changed) Current
    {
        get
        {
            Now now = _now;
            return (now.Status, now.Changed.Task);
        }
    }

    /// <summary>From now on clients had better go elsewhere.</summary>
    public void Drain()
    {
        Now before = _now;
        _now = new Now(ServingStatus.NotServing);
        before.Changed.TrySetResult();
    }

    private sealed record Now(ServingStatus Status)
    {
        public TaskCompletionSource Changed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
