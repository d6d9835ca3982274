using Grpc.Core;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Callers;

/// <summary>Reads while auth is off, on, and enabled at another frontend during a read.</summary>
public sealed class AdmittedReadsTests
{
    private static readonly AuthState On = new(new AuthRecords
    {
        IsEnabled = true,
        Users = [new UserRecord("reader", [], HasNoPassword: true, ["readers"])],
        Roles = [new RoleRecord("readers", [new PermissionRecord(0, "mine"u8.ToArray(), [])])],
    });

    private readonly KnownCallers _callers = new();
    private readonly List<string?> _reads = [];

    [Fact]
    public async Task While_auth_is_off_the_caller_is_not_identified()
    {
        (await ReadAsync(_ => new("value"))).ShouldBe("value");
        _callers.Asked.ShouldBe(0);
        _reads.ShouldBe([null]);
    }

    [Fact]
    public void While_auth_is_off_a_read_that_is_answered_at_once_allocates_nothing()
    {
        Func<int, Caller, ValueTask<int>> read = static (number, _) => new(number);
        long Measure()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            ValueTask<int> answer = _callers.ReadAsync(1, null!, read);
            int number = answer.IsCompletedSuccessfully ? answer.Result : 0;
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            number.ShouldBe(1);
            return allocated;
        }

        Measure();
        Measure().ShouldBe(0);
    }

    /// <summary>Fault A2: a frontend that no longer followed the log served secrets to every caller.</summary>
    [Fact]
    public async Task A_stale_frontend_does_not_trust_that_auth_is_off()
    {
        _callers.IsStale = true;
        _callers.Username = "reader";
        _callers.Admitting = () => _callers.State = On;
        (await ReadAsync(_ => new("value"))).ShouldBe("value");
        _reads.ShouldBe(["reader"]);
    }

    [Fact]
    public async Task With_auth_on_the_caller_is_identified_before_the_read()
    {
        _callers.State = On;
        _callers.Username = "reader";
        (await ReadAsync(_ => new("value"))).ShouldBe("value");
        _reads.ShouldBe(["reader"]);
    }

    [Fact]
    public async Task Auth_enabled_while_a_read_waits_is_seen()
    {
        _callers.Username = "reader";
        TaskCompletionSource<string> barrier = new();
        Task<string> reading = ReadAsync(caller => caller.IsChecked ? new("for the reader") : new(barrier.Task)).AsTask();
        _callers.State = On;
        barrier.SetResult("for anybody");
        (await reading).ShouldBe("for the reader");
        _reads.ShouldBe([null, "reader"]);
    }

    /// <summary>As when the read joins a round whose answer has already arrived.</summary>
    [Fact]
    public async Task Auth_enabled_during_a_read_that_is_answered_at_once_is_seen()
    {
        RpcException refused = await Should.ThrowAsync<RpcException>(() => ReadAsync(caller =>
        {
            _callers.State = On;
            caller.CheckRead(new KeyRange("mine"u8.ToArray(), default)).ThrowIfAny();
            return new("for anybody");
        }).AsTask());
        refused.Status.ShouldBe(EtcdErrors.UserEmpty.Status);
        _reads.ShouldBe([null, null]);
    }

    [Fact]
    public async Task Auth_disabled_and_enabled_again_is_seen()
    {
        _callers.State = On;
        _callers.Username = "reader";
        _callers.Admitting = () => _callers.State = _callers.Asked == 1 ? AuthState.Empty : On;
        string answer = await ReadAsync(caller =>
        {
            _callers.State = On;
            return new(caller.IsChecked ? "for the reader" : "for anybody");
        });
        answer.ShouldBe("for the reader");
        _reads.ShouldBe([null, "reader"]);
    }

    [Theory]
    [InlineData("mine", null)]
    [InlineData("theirs", "etcdserver: permission denied")]
    public async Task Permission_is_checked_before_anything_is_read(string key, string? refusal)
    {
        _callers.State = On;
        _callers.Username = "reader";
        bool isRead = false;
        RpcException? error = await Record.ExceptionAsync(() => ReadAsync(caller =>
        {
            caller.CheckRead(new KeyRange(System.Text.Encoding.UTF8.GetBytes(key), default)).ThrowIfAny();
            isRead = true;
            return new("value");
        }).AsTask()) as RpcException;
        error?.Status.Detail.ShouldBe(refusal);
        isRead.ShouldBe(refusal is null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Without_the_database_the_read_fails(bool isOn)
    {
        _callers.State = isOn ? On : AuthState.Empty;
        _callers.Admitting = () => throw new StoreUnavailableException();
        await Should.ThrowAsync<StoreUnavailableException>(
            () => ReadAsync(_ => ValueTask.FromException<string>(new StoreUnavailableException())).AsTask());
        _reads.Count.ShouldBe(isOn ? 0 : 1);
    }

    private ValueTask<string> ReadAsync(Func<Caller, ValueTask<string>> read) =>
        _callers.ReadAsync(this, null!, (test, caller) =>
        {
            test._reads.Add(caller.Username);
            return read(caller);
        });

    private sealed class KnownCallers : ICallers
    {
        public AuthState State { get; set; } = AuthState.Empty;

        public string? Username { get; set; }

        public Action? Admitting { get; set; }

        public int Asked { get; private set; }

        public Caller Anybody => State.Anybody;

        public bool IsStale { get; set; }

        public async ValueTask<Caller> AdmitFreshAsync(ServerCallContext context)
        {
            Asked++;
            await Task.Yield();
            Admitting?.Invoke();
            return State.IsEnabled && Username is { } name ? new Caller(State, name, long.MaxValue) : State.Anybody;
        }
    }
}
