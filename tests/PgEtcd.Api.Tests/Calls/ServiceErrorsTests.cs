using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Npgsql;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Locks;
using PgEtcd.Api.Tests.Protos;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Maintenance;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Each failure of the database has one status, in every kind of call, whether a service or a wrapper throws
/// it.</summary>
public sealed class ServiceErrorsTests : IAsyncLifetime
{
    private const string Service = "pgetcd.test.v1.Echo/";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly Dictionary<string, (Exception Thrown, Status Said)> Failures = new()
    {
        ["the database is away"] = (new StoreUnavailableException(), new Status(StatusCode.Unavailable, "etcdserver: request timed out")),
        ["NOSPACE is raised"] = (
            new AlarmRaisedException(AlarmKinds.NoSpace),
            new Status(StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded")),
        ["CORRUPT is raised"] = (
            new AlarmRaisedException(AlarmKinds.NoSpace | AlarmKinds.Corrupt),
            new Status(StatusCode.DataLoss, "etcdserver: corrupt cluster")),
        ["no vacuum"] = (
            new VacuumRefusedException("not the owner"),
            new Status(StatusCode.FailedPrecondition, "pgetcd: PostgreSQL would not vacuum all tables: not the owner")),
        ["the disk is full"] = (
            new PostgresException("no space left", "ERROR", "ERROR", PostgresErrorCodes.DiskFull),
            new Status(StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded")),
        ["another refusal"] = (
            new PostgresException("permission denied", "ERROR", "ERROR", PostgresErrorCodes.InsufficientPrivilege),
            new Status(StatusCode.Unknown, "pgetcd: PostgreSQL refused the request: permission denied (42501)")),
    };

    private readonly Thrower _thrower = new();
    private EchoServer _server = null!;

    public static TheoryData<string> Names => [.. Failures.Keys];

    public async Task InitializeAsync() => _server = await EchoServer.StartAsync(wrappers: _thrower);

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_unary_call(string failure)
    {
        _thrower.Thrown = Failures[failure].Thrown;
        (await Should.ThrowAsync<RpcException>(
            () => _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage())))
            .Status.ShouldBe(Failures[failure].Said);
        _server.Logs.Errors.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_stream(string failure)
    {
        _thrower.Thrown = Failures[failure].Thrown;
        int messages = 0;
        RpcException error = await Should.ThrowAsync<RpcException>(async () =>
        {
            await foreach (EchoMessage _ in _server.Channel.ServerStreamAsync<EchoMessage, EchoMessage>(
                Service + "ServerStream", new EchoMessage { Number = 3 }))
            {
                messages++;
            }
        });
        error.Status.ShouldBe(Failures[failure].Said);
        messages.ShouldBe(3, "it fails at its end");
        _server.Logs.Errors.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_call_of_the_gateway(string failure)
    {
        _thrower.Thrown = Failures[failure].Thrown;
        using CancellationTokenSource patience = new(Patience);
        await using LocalClient call = LocalClient.Start(
            _server.Methods, "/" + Service + "Unary", new DefaultHttpContext(), new HeaderDictionary(), patience.Token);
        await call.SendAsync(new EchoMessage().ToByteArray(), patience.Token);
        call.EndRequests();
        (await call.ReadAsync(patience.Token)).ShouldBeNull();
        call.Status.ShouldBe(Failures[failure].Said);
        _server.Logs.Errors.ShouldBeEmpty();
    }

    /// <summary>Locks and elections call services within the process; there every error is sent as Unknown.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_request_of_a_lock(string failure)
    {
        Status said = Failures[failure].Said;
        RpcException error = await Should.ThrowAsync<RpcException>(
            () => RecipeClient.AskAsync(() => Task.FromException<object>(Failures[failure].Thrown)));
        error.Status.ShouldBe(PgEtcd.Protocol.EtcdErrors.SeenByRecipe(said));
        error.StatusCode.ShouldBe(StatusCode.Unknown);
    }

    [Fact]
    public async Task Any_other_exception_is_a_bug()
    {
        _thrower.Thrown = new InvalidOperationException("a secret");
        (await Should.ThrowAsync<RpcException>(
            () => _server.Channel.UnaryAsync<EchoMessage, EchoMessage>(Service + "Unary", new EchoMessage())))
            .Status.ShouldBe(new Status(StatusCode.Unknown, "Exception was thrown by handler."));
        _server.Logs.Errors.Count.ShouldBe(1);
        await Should.ThrowAsync<InvalidOperationException>(
            () => RecipeClient.AskAsync(() => Task.FromException<object>(new InvalidOperationException())));
    }

    /// <summary>Fails calls after they have been answered.</summary>
    private sealed class Thrower : ICallWrapper
    {
        public Exception? Thrown { get; set; }

        public CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler) =>
            async (argument, context) =>
            {
                TResult result = await handler(argument, context);
                return Thrown is { } thrown ? throw thrown : result;
            };
    }
}
