using System.Text;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Frontend.Tests.Watching;

/// <summary>Events made by hand.</summary>
internal static class Changes
{
    public static KvEvent Put(long revision, string key = "a", int valueBytes = 1, int sub = 0, KeyRecord? previous = null)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(key);
        return new KvEvent(bytes, new KeyRecord(bytes, new byte[valueBytes], revision, revision, sub, 1, 0), previous, revision, sub);
    }

    public static KvEvent Delete(long revision, string key = "a", int sub = 0, KeyRecord? previous = null) =>
        new(Encoding.UTF8.GetBytes(key), null, previous, revision, sub);

    public static WatchUpdate Update(params KvEvent[] events) =>
        new(events.Length == 0 ? 1 : events[^1].Revision, 0) { Events = events, MayBeCut = true };
}
