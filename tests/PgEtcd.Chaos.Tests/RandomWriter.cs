using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Chaos.Tests;

/// <summary>Writes at random, through one frontend, until told to stop: puts, deletes, and transactions of several keys
/// below <c>a/</c> and <c>b/</c>. What fails is in doubt; the table tells what became of it.</summary>
internal sealed class RandomWriter : IDisposable
{
    private const int Keys = 12;

    private readonly Uri _frontend;
    private readonly Random _random;
    private readonly AcknowledgedWrites _written;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _acknowledged;

    /// <param name="frontend">Where to write.</param>
    /// <param name="seed">What it writes follows from that.</param>
    /// <param name="acknowledged">Told of each write that succeeds.</param>
    public RandomWriter(Uri frontend, int seed, AcknowledgedWrites acknowledged)
    {
        _frontend = frontend;
        _written = acknowledged;
        _random = new Random(seed);
        _running = Task.Run(RunAsync);
    }

    /// <summary>How many writes have succeeded.</summary>
    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>The end of a write that is under way is waited for.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync()
    {
        await using KvClient client = new(_frontend);
        for (int number = 0; !_stop.IsCancellationRequested; number++)
        {
            try
            {
                TxnRequest write = Next(number);
                _written.Add(write, await client.TxnAsync(write));
                Interlocked.Increment(ref _acknowledged);
            }
            catch (Exception error) when (error is RpcException or HttpRequestException or IOException)
            {
                await Task.Delay(10); // the frontend or its database is away
            }
        }
    }

    private TxnRequest Next(int number)
    {
        int first = _random.Next(2 * Keys);
        int count = _random.Next(4) == 0 ? _random.Next(2, 6) : 1;
        TxnRequest request = new();
        for (int i = 0; i < count; i++)
        {
            ByteString key = Key((first + i) % (2 * Keys));
            request.Success.Add(_random.Next(4) == 0
                ? new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = key } }
                : new RequestOp { RequestPut = new PutRequest { Key = key, Value = ByteString.CopyFromUtf8($"{number}.{i}") } });
        }

        return request;
    }

    private static ByteString Key(int number) => ByteString.CopyFromUtf8($"{(number < Keys ? 'a' : 'b')}/{number:00}");
}
