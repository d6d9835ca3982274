using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Api.Metrics;

/// <summary>Counts calls by the client's version, which a header names. Clients choose the values, so only a limited number get
/// counters of their own.</summary>
internal sealed class CallsByVersion(Meter meter)
{
    private const string Header = "client-api-version";
    private const int MostValues = 16;
    private const int LongestValue = 32;
    private const string None = "unknown";
    private const string Others = "other";

    private readonly Lock _adding = new();

    /// <summary>Replaced, never changed. In practice there are one or two entries, so a linear search beats a dictionary.</summary>
    private volatile Entry[] _entries = [];

    /// <summary>Counts a call.</summary>
    public void Add(IHeaderDictionary headers, bool isUnary)
    {
        string value = headers[Header] is [{ } said, ..] ? said : None;
        Entry entry = Find(value) ?? Made(value);
        (isUnary ? entry.Unary : entry.Stream).Add(1);
    }

    private Entry? Find(string value)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Value == value)
            {
                return entry;
            }
        }

        return null;
    }

    private Entry Made(string value)
    {
        lock (_adding)
        {
            string label = _entries.Length < MostValues && value.Length <= LongestValue ? value : Others;
            if (Find(label) is { } there)
            {
                return there;
            }

            Entry made = new(label, Counter(label, "unary"), Counter(label, "stream"));
            _entries = [.. _entries, made];
            return made;
        }
    }

    private Counter<long> Counter(string version, string type) => meter.Counter(
        "etcd_server_client_requests_total", "The total number of client requests per client version.",
        new KeyValuePair<string, object?>("client_api_version", version), new KeyValuePair<string, object?>("type", type));

    private sealed record Entry(string Value, Counter<long> Unary, Counter<long> Stream);
}
