using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Services;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Services;

/// <summary>The final status of a Watch call depends on the cause, whichever token fires first (fault C22).</summary>
public sealed class WatchEndingTests : IDisposable
{
    private readonly Database _database = new("Host=nowhere", new SchemaName("pgetcd"), NullLoggerFactory.Instance); // never queried
    private readonly Lifetime _lifetime = new();
    private readonly Responses _responses = new();
    private readonly LocalCall _call = new(
        "/etcdserverpb.Watch/Watch", new DefaultHttpContext(), new HeaderDictionary(), CancellationToken.None);
    private readonly WatchHub _hub;
    private readonly WatchService _service;

    public WatchEndingTests()
    {
        Replica replica = new(KeySpace.Empty, 1);
        AuthStates auth = new(new AuthTable(_database), AuthState.Empty);
        _hub = new WatchHub(replica, new EventReader(_database), TimeSpan.FromHours(1), TimeProvider.System, NullLogger<WatchHub>.Instance);
        Tail tail = new(new RevisionLog(_database, "test"), replica, auth, _database, TimeSpan.FromSeconds(1), new StoppedClock());
        Admission admission = new(auth, tail, null!, trustsCertificates: false);
        RequestLimits limits = new()
        {
            MaxRequestBytes = 1000,
            MaxTxnOps = 1,
            MinLeaseTtlSeconds = 1,
            RequestTimeout = TimeSpan.FromSeconds(1),
            SlowRequest = TimeSpan.FromSeconds(1),
        };
        _service = new WatchService(
            _hub, admission, new WatchEncoding(new ResponseHeaders(new ClusterIdentity(1, 2), 3)), limits, _lifetime,
            NullLogger<WatchService>.Instance);
    }

    [Fact]
    public async Task A_write_to_a_disconnected_client_ends_as_canceled()
    {
        _responses.Failure = new OperationCanceledException("The client dropped the call.");
        (await EndAsync(new Requests(Create))).Status.ShouldBe(EtcdErrors.WatchCanceled.Status);
    }

    [Fact]
    public async Task A_read_from_a_disconnected_client_ends_as_canceled() =>
        (await EndAsync(new Requests(Create) { Failure = new OperationCanceledException("The client dropped the call.") }))
            .Status.ShouldBe(EtcdErrors.WatchCanceled.Status);

    [Fact]
    public async Task A_stopping_server_ends_it_as_unavailable()
    {
        Task<RpcException> ending = EndAsync(new Requests(Create));
        await _responses.Written.Task;
        await _lifetime.Stopping.CancelAsync();
        (await ending).Status.ShouldBe(EtcdErrors.Stopped.Status);
    }

    [Fact]
    public async Task A_hub_that_closes_the_stream_ends_it_as_unavailable()
    {
        Task<RpcException> ending = EndAsync(new Requests(Create));
        await _responses.Written.Task;
        _hub.Dispose();
        (await ending).Status.ShouldBe(EtcdErrors.Stopped.Status);
    }

    [Fact]
    public async Task A_failed_write_ends_it_with_a_status_that_clients_resume_from()
    {
        _responses.Failure = new OverflowException("too large"); // fault A4
        (await EndAsync(new Requests(Create))).Status.ShouldBe(EtcdErrors.Stopped.Status);
    }

    public void Dispose()
    {
        _hub.Dispose();
        _call.Dispose();
        _lifetime.Stopping.Dispose();
        _database.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static WatchRequest Create =>
        new() { CreateRequest = new WatchCreateRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("k") } };

    private Task<RpcException> EndAsync(Requests requests) =>
        Should.ThrowAsync<RpcException>(() => _service.Watch(requests, _responses, _call));

    /// <summary>One request, followed by a failure or silence.</summary>
    private sealed class Requests(WatchRequest first) : IAsyncStreamReader<WatchRequest>
    {
        private bool _isRead;

        public Exception? Failure { get; init; }

        public WatchRequest Current => first;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (_isRead)
            {
                await (Failure is null ? Task.Delay(Timeout.Infinite, cancellationToken) : Task.FromException(Failure));
            }

            return _isRead = true;
        }
    }

    private sealed class Responses : IServerStreamWriter<WatchUpdate>
    {
        public TaskCompletionSource Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Exception? Failure { get; set; }

        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(WatchUpdate message)
        {
            Written.TrySetResult();
            return Failure is null ? Task.CompletedTask : Task.FromException(Failure);
        }

        public Task WriteAsync(WatchUpdate message, CancellationToken cancellationToken) => WriteAsync(message);
    }

    /// <summary>The log counts as recently read, however long a test takes.</summary>
    private sealed class StoppedClock : TimeProvider
    {
        public override long GetTimestamp() => 1;
    }

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public CancellationTokenSource Stopping { get; } = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => Stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => Stopping.Cancel();
    }
}
