using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Chaos.Tests;

/// <summary>Makes random writes through one frontend until cancelled: puts, deletes, and transactions of several keys below <c>a/</c> and
/// <c>b/</c>. A failed write is in doubt; the table shows its outcome.</summary>
internal sealed class RandomWriter : IDisposable
{
    private const int Keys = 12;

    private readonly Uri _frontend;
    private readonly Random _random;
    private readonly AcknowledgedWrites _written;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private int _acknowledged;

    /// <param name="frontend">The frontend to write to.</param>
    /// <param name="seed">The seed of its writes.</param>
    /// <param name="acknowledged">Called for each successful write.</param>
    public RandomWriter(Uri frontend, int seed, AcknowledgedWrites acknowledged)
    {
        _frontend = frontend;
        _written = acknowledged;
        _random = new Random(seed);
        _running = Task.Run(RunAsync);
    }

    /// <summary>The number of successful writes.</summary>
    public int Acknowledged => Volatile.Read(ref _acknowledged);

    /// <summary>Stops, after the write in flight has ended.</summary>
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
                await Task.Delay(10); // the frontend or its database is down
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
