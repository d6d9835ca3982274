using static PgEtcd.Protocol.GrpcHealth.HealthCheckResponse.Types;

namespace PgEtcd.Api.Calls;

/// <summary>Whether the server accepts calls, as reported by grpc.health.v1: from the start until the server drains.</summary>
public sealed class ServingState
{
    private static readonly Task Never = new TaskCompletionSource().Task;

    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The status, and a task that completes when the status changes.</summary>
    public (ServingStatus Status, Task Changed) Current =>
        _drained.Task.IsCompleted ? (ServingStatus.NotServing, Never) : (ServingStatus.Serving, _drained.Task);

    /// <summary>Tells clients to go elsewhere.</summary>
    public void Drain() => _drained.TrySetResult();
}
