using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.OneKey;

/// <summary>A key: its value and its history.</summary>
internal sealed class OneKeyPage(KeySource keys, ChangeBrowser changes, ServerBrowser server) : IPage
{
    private const int MostChanges = 50;
    private const int MostSiblings = 2000;
    private const int MostShown = 64 * 1024;

    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] key = visit.Bytes("key") ?? [];
        SeenKey? seen = await keys.KeyAsync(visit, key);
        KeyRecord? now = keys.Present.Find(key);
        List<SeenChange> timeline = await changes.OfKeyAsync(
            key, visit.Number("before") is { } before ? before - 1 : long.MaxValue, MostChanges + 1, visit.Gone);
        long? older = timeline.Count > MostChanges ? timeline[MostChanges - 1].ModRevision : null;
        timeline = timeline[..Math.Min(timeline.Count, MostChanges)];
        bool isMasked = visit.Masks.Hide(key);
        return new PageAnswer(KeyText.Of(key), typeof(OneKeyView), new OneKeyModel(
            key,
            seen,
            now?.ModRevision,
            timeline,
            await SiblingsAsync(visit, key, timeline),
            older,
            seen is { Lease: not 0 } ? await server.LeaseAsync(seen.Lease, visit.Gone) : null)
        {
            IsMasked = isMasked,
            Forms = seen is null || isMasked ? [] : ValueForms.Of(seen.Value),
            Most = visit.Text("all") == "1" ? int.MaxValue : MostShown,
            Versions = isMasked ? null : await CompareAsync(visit, key),
            MayWrite = visit.IsWritable && visit.Visitor.MayWrite(key),
        });
    }

    /// <summary>The other keys that were changed in the same revisions and may be read.</summary>
    private async Task<ILookup<long, SeenChange>> SiblingsAsync(Visit visit, byte[] key, List<SeenChange> timeline)
    {
        List<SeenChange> all = await changes.OfRevisionsAsync(
            [.. timeline.Select(change => change.ModRevision).Distinct()], MostSiblings, visit.Gone);
        return all.Where(change => !change.Key.AsSpan().SequenceEqual(key) && visit.Visitor.MayRead(Ranges.One(change.Key)))
            .ToLookup(change => change.ModRevision);
    }

    private async Task<TwoVersions?> CompareAsync(Visit visit, byte[] key)
    {
        if ((visit.Number("a"), visit.Number("b")) is not ({ } one, { } other))
        {
            return null;
        }

        (long first, long second) = (Math.Min(one, other), Math.Max(one, other));
        SeenKey? old = await keys.KeyAsync(visit, key, first);
        SeenKey? later = await keys.KeyAsync(visit, key, second);
        return new TwoVersions(first, second, Comparison.Of(old?.Value, later?.Value), old is null, later is null);
    }
}

/// <summary>The bytes of a value, as a download.</summary>
internal sealed class RawValue(KeySource keys) : IPage
{
    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] key = visit.Bytes("key") ?? [];
        SeenKey? seen = await keys.KeyAsync(visit, key);
        return new StreamAnswer(async context =>
        {
            bool isShown = seen is not null && !visit.Masks.Hide(key);
            context.Response.StatusCode = isShown ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            context.Response.ContentType = "application/octet-stream";
            context.Response.Headers.ContentDisposition = "attachment; filename=\"value\"";
            if (isShown)
            {
                context.Response.ContentLength = seen!.Value.Length;
                await context.Response.Body.WriteAsync(seen.Value, context.RequestAborted);
            }
        });
    }
}

/// <summary>The model of the page of a key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Seen">The version at the moment shown; null if the key does not exist then.</param>
/// <param name="Now">The present mod revision; null if the key does not exist now.</param>
/// <param name="Timeline">The changes, newest first.</param>
/// <param name="Siblings">The other keys changed in the same revisions, by revision.</param>
/// <param name="Older">The revision before which there are more changes; null if there are none.</param>
/// <param name="Lease">The lease, if it is alive.</param>
public sealed record OneKeyModel(
    byte[] Key, SeenKey? Seen, long? Now, IReadOnlyList<SeenChange> Timeline, ILookup<long, SeenChange> Siblings, long? Older,
    SeenLease? Lease)
{
    /// <summary>Whether the value is masked.</summary>
    public bool IsMasked { get; init; }

    /// <summary>The forms in which the value can be shown.</summary>
    public IReadOnlyList<ValueForm> Forms { get; init; } = [];

    /// <summary>The most bytes of the value to show.</summary>
    public int Most { get; init; }

    /// <summary>The two versions compared, or null.</summary>
    public TwoVersions? Versions { get; init; }

    /// <summary>Whether the visitor may change the key.</summary>
    public bool MayWrite { get; init; }
}

/// <summary>Two versions of a key side by side.</summary>
public sealed record TwoVersions(long From, long To, Comparison Comparison, bool IsNew, bool IsGone);
