using Dapper;
using Npgsql;
using Shouldly;

namespace PgEtcd.Chaos.Tests;

/// <summary>The log as SQL shows it, which is the truth for comparing frontends.</summary>
internal sealed class LogTable(string connectionString)
{
    /// <summary>A live key of the log.</summary>
    internal sealed record Row(string Key, string Value, long Create, long Mod, long Version);

    /// <summary>Design §2: revisions from 2 without a gap, subs from 0 without a gap, times never decreasing.</summary>
    public async Task ShouldBeWellFormedAsync()
    {
        await using NpgsqlConnection connection = new(connectionString);
        List<(long Revision, int Sub, DateTime At)> rows = [.. await connection.QueryAsync<(long, int, DateTime)>(
            "select revision, sub, committed_at from pgetcd.revisions order by revision, sub")];
        (long revision, int sub, DateTime at) = (1L, -1, DateTime.MinValue);
        foreach ((long Revision, int Sub, DateTime At) row in rows)
        {
            (row.Revision, row.Sub).ShouldBe(row.Revision == revision ? (revision, sub + 1) : (revision + 1, 0));
            row.At.ShouldBeGreaterThanOrEqualTo(at);
            (revision, sub, at) = row;
        }
    }

    /// <summary>The current state by a replay that relies only on the order of the rows.</summary>
    public async Task<List<Row>> ReplayAsync()
    {
        await using NpgsqlConnection connection = new(connectionString);
        SortedDictionary<string, Row> state = new(StringComparer.Ordinal);
        foreach ((string key, string? value, long revision) in await connection.QueryAsync<(string, string?, long)>("""
            select convert_from(key, 'utf8'), convert_from(value, 'utf8'), revision from pgetcd.revisions order by revision, sub
            """))
        {
            Row? before = state.GetValueOrDefault(key);
            if (value is null)
            {
                state.Remove(key);
            }
            else
            {
                state[key] = new Row(key, value, before?.Create ?? revision, revision, (before?.Version ?? 0) + 1);
            }
        }

        return [.. state.Values];
    }

    /// <summary>The current state in the view.</summary>
    public async Task<List<Row>> ViewAsync()
    {
        await using NpgsqlConnection connection = new(connectionString);
        return [.. await connection.QueryAsync<Row>("""
            select convert_from(key, 'utf8') as Key, convert_from(value, 'utf8') as Value, create_revision as Create,
                mod_revision as Mod, version as Version
            from pgetcd.current_state order by key
            """)];
    }

    /// <summary>Every put in the log as key@revision.</summary>
    public async Task<HashSet<string>> PutsAsync()
    {
        await using NpgsqlConnection connection = new(connectionString);
        return [.. await connection.QueryAsync<string>(
            "select convert_from(key, 'utf8') || '@' || revision from pgetcd.revisions where not tombstone")];
    }

    /// <summary>Checks that the frontend and the view have exactly the state of the log.</summary>
    public async Task ShouldBeWhatFrontendsShowAsync(params KvClient[] frontends)
    {
        List<Row> replayed = await ReplayAsync();
        (await ViewAsync()).ShouldBe(replayed);
        foreach (KvClient frontend in frontends)
        {
            Protocol.Etcdserverpb.RangeResponse all = await frontend.AllAsync();
            all.Kvs.Select(kv => new Row(kv.Key.ToStringUtf8(), kv.Value.ToStringUtf8(), kv.CreateRevision, kv.ModRevision, kv.Version))
                .ShouldBe(replayed);
        }
    }
}
