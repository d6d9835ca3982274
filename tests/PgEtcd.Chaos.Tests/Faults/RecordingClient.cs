using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.Mvccpb;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>Sends each request to a random frontend and records every call. All clients share the key space.</summary>
internal abstract class RecordingClient : IAsyncDisposable
{
    /// <summary>Shorter than the faults: a client that waited for the end of each would meet few.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly GrpcChannel[] _channels;
    private readonly string _name;
    private int _values;

    protected RecordingClient(string name, IEnumerable<Uri> frontends, History history, int seed)
    {
        _name = name;
        _channels = [.. frontends.Select(frontend => new GrpcChannel(frontend))];
        History = history;
        Random = new Random(seed);
    }

    /// <summary>Keys shared by clients.</summary>
    public static IReadOnlyList<string> SharedKeys { get; } = [.. Enumerable.Range(0, 16).Select(number => $"a/{number:00}")];

    /// <summary>Keys with leases, each written by one client.</summary>
    public static IReadOnlyList<string> LeasedKeys { get; } = [.. Enumerable.Range(0, 6).Select(number => $"b/{number:00}")];

    protected static IReadOnlyList<string> AllKeys { get; } = [.. SharedKeys, .. LeasedKeys];

    protected History History { get; }

    protected Random Random { get; }

    /// <summary>A frontend that answers range requests from memory although the history counts them as linearizable, a fault to
    /// detect. -1 for none.</summary>
    public int StaleFrontend { get; init; } = -1;

    /// <summary>Works until cancelled, and waits for the call in flight.</summary>
    public abstract Task RunAsync(CancellationToken stop);

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcChannel channel in _channels)
        {
            await channel.DisposeAsync();
        }
    }

    protected static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);

    /// <summary>A value of no other put.</summary>
    protected string NextValue() => $"{_name}.{++_values}";

    protected static Operation Reads(string key, string? saw = null) => new(key, 0, 0, Saw: saw);

    /// <summary>The value of a key in an answer with at most one key.</summary>
    protected static string Only(IEnumerable<KeyValue> found) => found.SingleOrDefault()?.Value.ToStringUtf8() ?? Operation.Absent;

    protected Task<RangeResponse?> GetAsync(string key, bool isFromMemory = false) =>
        RangeAsync(new RangeRequest { Key = Utf8(key) }, [key], isFromMemory);

    protected Task<RangeResponse?> GetAllAsync(bool isFromMemory = false) =>
        RangeAsync(new RangeRequest { Key = Utf8("a/"), RangeEnd = Utf8("c") }, AllKeys, isFromMemory);

    /// <summary>Puts, and gets the previous value.</summary>
    protected Task<PutResponse?> PutAsync(string key, string value, long lease = 0) => AskAsync<PutRequest, PutResponse>(
        "KV/Put",
        new PutRequest { Key = Utf8(key), Value = Utf8(value), Lease = lease, PrevKv = true },
        [Reads(key) with { Left = value }],
        response => (response.Header.Revision, [Reads(key, Previous(response.PrevKv)) with { Left = value }]));

    protected static string Previous(KeyValue? previous) => previous?.Value.ToStringUtf8() ?? Operation.Absent;

    /// <summary>Makes a call and records it.</summary>
    /// <param name="method">The method without the package.</param>
    /// <param name="request">The request.</param>
    /// <param name="attempt">The possible effect, if there is no answer.</param>
    /// <param name="told">Reads from the answer the header's revision, and the values seen and written.</param>
    /// <param name="frontend">A fixed frontend, if not a random one.</param>
    /// <param name="answered">The outcome to record for an answer.</param>
    /// <returns>Null without an answer.</returns>
    protected async Task<TResponse?> AskAsync<TRequest, TResponse>(
        string method, TRequest request, Operation[] attempt, Func<TResponse, (long Revision, Operation[] Done)> told,
        int? frontend = null, Outcome answered = Outcome.Answered)
        where TRequest : class, IMessage
        where TResponse : class, IMessage<TResponse>, new()
    {
        int number = frontend ?? NextFrontend();
        long start = History.Now;
        try
        {
            TResponse response = await SendAsync<TRequest, TResponse>(_channels[number], $"etcdserverpb.{method}", request);
            long end = History.Now;
            (long revision, Operation[] done) = told(response);
            Record(number, answered, revision, done, start, end);
            return response;
        }
        catch (Exception error) when (error is RpcException or HttpRequestException or IOException)
        {
            Record(number, IsRefusal(error) ? Outcome.Refused : Outcome.Unknown, 0, attempt, start, Operation.Never);
            OnError(error);
            await Task.Delay(Random.Next(50)); // the pace of a client
            return null;
        }
    }

    /// <summary>Called with an error after it was recorded.</summary>
    protected virtual void OnError(Exception error)
    {
    }

    /// <summary>Records that a part of the request had no effect.</summary>
    protected void RecordRefusal(params Operation[] operations) =>
        Record(0, Outcome.Refused, 0, operations, History.Now, Operation.Never);

    private int NextFrontend() => Random.Next(_channels.Length);

    private Task<RangeResponse?> RangeAsync(RangeRequest request, IReadOnlyList<string> keys, bool isFromMemory)
    {
        int frontend = NextFrontend();
        request.Serializable = isFromMemory || frontend == StaleFrontend;
        return AskAsync<RangeRequest, RangeResponse>(
            "KV/Range",
            request,
            [.. keys.Select(key => Reads(key))],
            response =>
            {
                Dictionary<string, string> values = response.Kvs.ToDictionary(kv => kv.Key.ToStringUtf8(), kv => kv.Value.ToStringUtf8());
                return (response.Header.Revision, [.. keys.Select(key => Reads(key, values.GetValueOrDefault(key, Operation.Absent)))]);
            },
            frontend,
            isFromMemory ? Outcome.AnsweredFromMemory : Outcome.Answered);
    }

    private static async Task<TResponse> SendAsync<TRequest, TResponse>(GrpcChannel channel, string method, TRequest request)
        where TRequest : class, IMessage
        where TResponse : class, IMessage<TResponse>, new()
    {
        if (request is not LeaseKeepAliveRequest)
        {
            return await channel.UnaryAsync<TRequest, TResponse>(method, request, timeout: Patience);
        }

        using GrpcDuplexCall<TRequest, TResponse> call = channel.Duplex<TRequest, TResponse>(method, timeout: Patience);
        await call.WriteAsync(request);
        return await call.ReadAsync();
    }

    /// <summary>The request was not sent, or etcd says that it had no effect.</summary>
    private static bool IsRefusal(Exception error) =>
        error is RpcException { StatusCode: StatusCode.NotFound or StatusCode.FailedPrecondition or StatusCode.InvalidArgument }
        || error is RpcException { Status.DebugException: { } cause } && IsUnconnected(cause);

    private static bool IsUnconnected(Exception error) =>
        error is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
        || (error.InnerException is { } inner && IsUnconnected(inner));

    private void Record(int frontend, Outcome outcome, long revision, Operation[] operations, long start, long end)
    {
        if (operations.Length > 0)
        {
            IEnumerable<Operation> timed = operations.Select(operation => operation with { Start = start, End = end });
            History.Add(new Call($"{_name} at {frontend}", outcome, revision, [.. timed]));
        }
    }
}
