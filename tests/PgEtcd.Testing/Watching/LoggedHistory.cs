using System.Text;
using Google.Protobuf;
using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using Filter = PgEtcd.Protocol.Etcdserverpb.WatchCreateRequest.Types.FilterType;

namespace PgEtcd.Testing.Watching;

/// <summary>The history in the table, which is the truth for comparing watches.</summary>
public sealed class LoggedHistory
{
    private readonly List<WatchedEvent> _events = [];

    private LoggedHistory()
    {
    }

    /// <summary>The last revision.</summary>
    public long Head => _events.Count == 0 ? 1 : _events[^1].Revision;

    /// <summary>Reads the whole history.</summary>
    /// <param name="connectionString">The database.</param>
    public static async Task<LoggedHistory> ReadAsync(string connectionString)
    {
        await using NpgsqlConnection connection = new(connectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        await using NpgsqlCommand command = new(
            "select revision, key, value, create_revision, version from pgetcd.revisions order by revision, sub", connection);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync().ConfigureAwait(false);
        LoggedHistory history = new();
        Dictionary<string, string> before = [];
        while (await reader.ReadAsync().ConfigureAwait(false))
        {
            string key = WatchedEvent.Text(reader.GetFieldValue<byte[]>(1));
            string? value = reader.IsDBNull(2) ? null : WatchedEvent.Text(reader.GetFieldValue<byte[]>(2));
            WatchedEvent change = new(
                reader.GetInt64(0), key, value, reader.GetInt64(3), reader.GetInt64(4), before.GetValueOrDefault(key));
            history._events.Add(change);
            if (value is null)
            {
                before.Remove(key);
            }
            else
            {
                before[key] = WatchedEvent.Show(value, change.Create, change.Revision, change.Version);
            }
        }

        return history;
    }

    /// <summary>The events that a watch must have shown.</summary>
    /// <param name="watch">The request; a start revision of 0 means the beginning.</param>
    public List<WatchedEvent> Of(WatchCreateRequest watch) =>
    [
        .. _events
            .Where(change => change.Revision >= watch.StartRevision && Contains(watch, change.Key)
                && !watch.Filters.Contains(change.Value is null ? Filter.Nodelete : Filter.Noput))
            .Select(change => watch.PrevKv ? change : change with { Previous = null }),
    ];

    private static bool Contains(WatchCreateRequest watch, string key)
    {
        ReadOnlySpan<byte> bytes = Encoding.Latin1.GetBytes(key);
        ByteString end = watch.RangeEnd;
        return end.IsEmpty
            ? bytes.SequenceEqual(watch.Key.Span)
            : bytes.SequenceCompareTo(watch.Key.Span) >= 0 && (end == WatchCall.End || bytes.SequenceCompareTo(end.Span) < 0);
    }
}
