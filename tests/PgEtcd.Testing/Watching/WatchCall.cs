using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Testing.Watching;

/// <summary>One watch stream, written and read explicitly by one client. There is no background reading, and only one reader at a time.
/// A wait of more than 20 seconds is an error.</summary>
public sealed class WatchCall(GrpcChannel channel) : IAsyncDisposable
{
    /// <summary>The range end of "all keys from here on".</summary>
    public static readonly ByteString End = ByteString.CopyFrom(0);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GrpcDuplexCall<WatchRequest, WatchResponse> _call = channel
        .Duplex<WatchRequest, WatchResponse>("etcdserverpb.Watch/Watch");

    /// <summary>The underlying call.</summary>
    public GrpcDuplexCall<WatchRequest, WatchResponse> Call => _call;

    /// <summary>A watch on every key.</summary>
    public static WatchCreateRequest All(long start = 0) => new() { Key = End, RangeEnd = End, StartRevision = start };

    /// <summary>A watch on one key.</summary>
    public static WatchCreateRequest Key(string key, long start = 0) => new() { Key = ByteString.CopyFromUtf8(key), StartRevision = start };

    /// <summary>A watch on the keys with a prefix, which must end in an ASCII character.</summary>
    public static WatchCreateRequest Prefix(string prefix, long start = 0) => new()
    {
        Key = ByteString.CopyFromUtf8(prefix),
        RangeEnd = ByteString.CopyFromUtf8(prefix[..^1] + (char)(prefix[^1] + 1)),
        StartRevision = start,
    };

    /// <summary>Requests a watch.</summary>
    public Task CreateAsync(WatchCreateRequest request) => WriteAsync(new WatchRequest { CreateRequest = request });

    /// <summary>Requests the cancellation of a watch.</summary>
    public Task CancelAsync(long id) => WriteAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = id } });

    /// <summary>Requests progress.</summary>
    public Task ProgressAsync() => WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() });

    /// <summary>Requests a watch on a new stream and waits until it is created.</summary>
    public async Task<WatchResponse> CreatedAsync(WatchCreateRequest request)
    {
        await CreateAsync(request).ConfigureAwait(false);
        WatchResponse response = await NextAsync().ConfigureAwait(false);
        return response.Created ? response : throw new InvalidDataException($"Not a created response: {response}");
    }

    /// <summary>The next response.</summary>
    public async Task<WatchResponse> NextAsync()
    {
        using CancellationTokenSource limit = new(Patience);
        return await _call.ReadAsync(limit.Token).ConfigureAwait(false);
    }

    /// <summary>Reads responses until the record is complete.</summary>
    /// <param name="records">The records by watch id.</param>
    /// <param name="isAll">Evaluated after each response.</param>
    public async Task ReadAsync(IReadOnlyDictionary<long, WatchRecord> records, Func<bool> isAll)
    {
        while (!isAll())
        {
            WatchResponse response = await NextAsync().ConfigureAwait(false);
            foreach (WatchRecord record in response.WatchId == -1 ? records.Values : [records[response.WatchId]])
            {
                record.Add(response);
            }
        }
    }

    /// <summary>Requests progress repeatedly, and reads responses, until all watches are known to have reached a revision.</summary>
    /// <param name="records">The records by watch id.</param>
    /// <param name="revision">The revision to reach.</param>
    public async Task ReadUpToAsync(IReadOnlyDictionary<long, WatchRecord> records, long revision)
    {
        if (AreThere())
        {
            return; // the server soon stops reading from a client that does not read
        }

        using CancellationTokenSource done = new();
        Task asking = AskAsync(done.Token);
        try
        {
            await ReadAsync(records, AreThere).ConfigureAwait(false);
        }
        finally
        {
            await done.CancelAsync().ConfigureAwait(false);
            await asking.ConfigureAwait(false);
        }

        bool AreThere() => records.Values.All(record => record.Promised >= revision);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _call.DisposeAsync();

    private async Task WriteAsync(WatchRequest request)
    {
        using CancellationTokenSource limit = new(Patience);
        await _call.WriteAsync(request, limit.Token).ConfigureAwait(false);
    }

    private async Task AskAsync(CancellationToken done)
    {
        while (!done.IsCancellationRequested)
        {
            await ProgressAsync().ConfigureAwait(false);
            await Task.Delay(50, done).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
