using System.Globalization;
using System.Text;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Sends the same random requests to two servers and compares their answers.</summary>
internal sealed class DifferentialRun(IEtcdServer reference, IEtcdServer target, int seed, ITestOutputHelper output)
{
    private const int Remembered = 8;
    private const int Longest = 3000;

    private readonly Queue<string> _last = new();
    private readonly StoreState _state = new();

    /// <summary>The number of errors among the answers; a run with mostly errors would show nothing.</summary>
    public int Errors { get; private set; }

    public async Task RunAsync(int requests)
    {
        output.WriteLine($"seed {seed} (TESTED_SEED={seed} repeats the run)");
        await using GrpcChannel referenceChannel = new(reference.ClientUrl);
        await using GrpcChannel targetChannel = new(target.ClientUrl);
        RpcClient referenceClient = new(referenceChannel);
        RpcClient targetClient = new(targetChannel);
        RequestGenerator generator = new(seed, _state);
        for (int number = 1; number <= requests; number++)
        {
            RandomRequest request = generator.Next();
            string json = RpcCatalogue.ToJson(request.Message);
            Task<RpcAnswer> asked = referenceClient.CallAsync(request.Rpc, json);
            RpcAnswer actual = await targetClient.CallAsync(request.Rpc, json);
            RpcAnswer expected = await asked;
            string line = $"{number}. {request.Rpc} {Short(json)}";
            if (!expected.SameAs(actual) && !IsOtherOrder(request, expected, actual))
            {
                Fail(line, expected, actual);
            }

            Remember(request, expected, line);
        }

        output.WriteLine($"{requests} requests, {Errors} of them refused; revision {_state.Revision}, compacted {_state.Compacted}");
        Errors.ShouldBeInRange(requests / 50, requests / 2, "good and bad requests are no longer balanced");
    }

    private void Remember(RandomRequest request, RpcAnswer answer, string line)
    {
        _last.Enqueue($"{line}\n   {JsonDifference.Brief(answer.ToJson())}");
        if (_last.Count > Remembered)
        {
            _last.Dequeue();
        }

        if (answer.Response is null)
        {
            Errors++;
            return;
        }

        if ((string?)answer.Response["header"]?["revision"] is { } revision)
        {
            _state.Revision = long.Parse(revision, CultureInfo.InvariantCulture);
        }

        if (request.Message is Protocol.Etcdserverpb.CompactionRequest compaction)
        {
            _state.Compacted = compaction.Revision;
        }
    }

    private void Fail(string line, RpcAnswer expected, RpcAnswer actual)
    {
        StringBuilder text = new StringBuilder().AppendLine(
            CultureInfo.InvariantCulture, $"seed {seed}: {target.Kind} answers otherwise than {reference.Kind}.")
            .AppendLine("The requests before:").AppendJoin('\n', _last).AppendLine().AppendLine()
            .AppendLine(line)
            .AppendLine(CultureInfo.InvariantCulture, $"{reference.Kind,-7}: {JsonDifference.Brief(expected.ToJson(), Longest)}")
            .AppendLine(CultureInfo.InvariantCulture, $"{target.Kind,-7}: {JsonDifference.Brief(actual.ToJson(), Longest)}")
            .AppendLine(CultureInfo.InvariantCulture, $"expected {JsonDifference.First(expected.ToJson(), actual.ToJson())}")
            .AppendLine(CultureInfo.InvariantCulture, $"{target.Kind} wrote:\n{string.Join('\n', target.Output.Split('\n').TakeLast(20))}");
        throw new ShouldAssertException(text.ToString());
    }

    /// <summary>Both refuse a transaction with a bad put and a bad range without changing anything, but etcd 3.4 checks all puts first,
    /// while 3.6 and PgEtcd check the operations in order (semantics.md §5).</summary>
    internal static bool IsOtherOrder(RandomRequest request, RpcAnswer expected, RpcAnswer actual) =>
        request.Message is Protocol.Etcdserverpb.TxnRequest
        && expected.Error?.Detail is "etcdserver: key not found" or "etcdserver: requested lease not found"
        && actual.Error?.StatusCode == StatusCode.OutOfRange;

    private static string Short(string text) => text.Length <= Longest ? text : $"{text[..Longest]}… ({text.Length} characters)";
}
