using System.Text;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>A state as comparable lines, from SQL and from the key space: key, create_revision, mod_revision, version.</summary>
internal static class StateRows
{
    public static Task<List<string>> RowsAsync(RemovalFixture log, string from) => log.Log.QueryAsync<string>(
        $"select format('%s %s %s %s', key_text, create_revision, mod_revision, version) from pgetcd.{from} order by key");

    public static List<string> Rows(KeySpace state, Func<string, bool> isWanted) =>
        [.. Records(state).Where(record => isWanted(Encoding.UTF8.GetString(record.Key)))
            .Select(record => $"{Encoding.UTF8.GetString(record.Key)} {record.CreateRevision} {record.ModRevision} {record.Version}")];

    public static IEnumerable<KeyRecord> Records(KeySpace state) =>
        state.Range(new RangeOperation { Key = new byte[1], RangeEnd = new byte[1] }, state.Revision).Records;
}
