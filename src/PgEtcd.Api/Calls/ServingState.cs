using static PgEtcd.Protocol.GrpcHealth.HealthCheckResponse.Types;

namespace PgEtcd.Api.Calls;

/// <summary>Whether the server accepts calls, as reported by grpc.health.v1: from the start until the server drains.</summary>
public sealed class ServingState
{
    private volatile Now _now = new(ServingStatus.Serving);

    /// <summary>The status, and a task that completes when the status changes.</summary>
    public (ServingStatus Status, Task Changed) Current
    {
        get
        {
            Now now = _now;
            return (now.Status, now.Changed.Task);
        }
    }

    /// <summary>Tells clients to go elsewhere.</summary>
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
