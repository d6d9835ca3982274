using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Revisions;
using Shouldly;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.History;

/// <summary>Random puts and deletes of few keys, and the resulting states.</summary>
internal static class RandomHistory
{
    private static readonly IReadOnlySet<long> NoLeases = new HashSet<long>();

    /// <summary>Writes the changes into the log.</summary>
    /// <returns>The evaluated states by revision.</returns>
    public static async Task<Dictionary<long, KeySpace>> WriteAsync(LogFixture fixture, int revisions)
    {
        Random random = new(20260101);
        KeySpace state = KeySpace.Empty;
        Dictionary<long, KeySpace> states = new() { [1] = state };
        string[] keys = ["a", "a\0", "b", "b\0", "bb", "c", "d"];
        while (state.Revision <= revisions)
        {
            byte[] key = Bytes(keys[random.Next(keys.Length)]);
            Operation operation = random.Next(3) == 0
                ? new DeleteRangeOperation { Key = key, RangeEnd = random.Next(2) == 0 ? Bytes("c") : default }
                : new PutOperation { Key = key, Value = Bytes($"v{random.Next(9)}") };
            Fork fork = state.Fork();
            fork.Evaluate(operation, NoLeases, new NoHistory(), out _).ShouldBe(KvError.None);
            AppendBatch batch = new(LogPosition.Empty with { Revision = state.Revision });
            foreach (KvEvent change in fork.Events)
            {
                batch.Add(change, null, null);
            }

            if (!batch.IsEmpty)
            {
                (await fixture.AppendAsync(batch)).Outcome.ShouldBe(AppendOutcome.Appended);
            }

            state = fork.Freeze();
            states[state.Revision] = state;
        }

        return states;
    }

    public static string[] Show(KeyTree keys, KeyRange? range = null) =>
    [
        .. KeySpace.Load(1, -1, keys).Range(new RangeOperation { Key = new byte[] { 0 }, RangeEnd = new byte[] { 0 } }, 1).Records
            .Where(record => range is not { } within || within.Contains(record.Key)).Select(Show),
    ];

    public static string Show(KeyRecord record) =>
        $"{System.Text.Encoding.UTF8.GetString(record.Key)}={System.Text.Encoding.UTF8.GetString(record.Value)} "
        + $"{record.CreateRevision}/{record.ModRevision} v{record.Version}";

    private sealed class NoHistory : IHistory
    {
        public RangeResult? Range(RangeOperation operation, long headerRevision) => null;
    }
}
