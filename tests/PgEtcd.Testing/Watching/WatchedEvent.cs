using System.Globalization;
using System.Text;
using Mvccpb = PgEtcd.Protocol.Mvccpb;

namespace PgEtcd.Testing.Watching;

/// <summary>One change of one key, as shown by a watch and stored in the log. Bytes are shown as Latin-1.</summary>
/// <param name="Revision">The main revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; null for a delete.</param>
/// <param name="Create">The create revision; 0 for a delete.</param>
/// <param name="Version">The version; 0 for a delete.</param>
/// <param name="Previous">The previous key, if requested (<see cref="Show"/>).</param>
public sealed record WatchedEvent(long Revision, string Key, string? Value, long Create, long Version, string? Previous)
{
    /// <summary>Converts an event from the wire.</summary>
    public static WatchedEvent From(Mvccpb.Event change)
    {
        bool isDelete = change.Type == Mvccpb.Event.Types.EventType.Delete;
        Mvccpb.KeyValue kv = change.Kv;
        return new WatchedEvent(
            kv.ModRevision, Text(kv.Key.Span), isDelete ? null : Text(kv.Value.Span), kv.CreateRevision, kv.Version,
            change.PrevKv is { } previous
                ? Show(Text(previous.Value.Span), previous.CreateRevision, previous.ModRevision, previous.Version)
                : null);
    }

    /// <summary>A previous key.</summary>
    public static string Show(string value, long create, long mod, long version) =>
        string.Create(CultureInfo.InvariantCulture, $"{value} {create}/{mod} v{version}");

    /// <summary>Bytes as a text that shows each of them.</summary>
    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    /// <summary>The first difference of two histories; null if they are equal.</summary>
    public static string? Difference(IReadOnlyList<WatchedEvent> expected, IReadOnlyList<WatchedEvent> actual)
    {
        int at = 0;
        while (at < expected.Count && at < actual.Count && expected[at] == actual[at])
        {
            at++;
        }

        return at == expected.Count && at == actual.Count ? null : string.Create(CultureInfo.InvariantCulture,
            $"event {at}: expected {Short(expected, at)}, got {Short(actual, at)} ({expected.Count} events expected, {actual.Count} got)");
    }

    private static string Short(IReadOnlyList<WatchedEvent> events, int at)
    {
        const int Most = 300;
        string text = at < events.Count ? events[at].ToString() : "nothing";
        return text.Length > Most ? text[..Most] + "…" : text;
    }
}
