using System.Globalization;
using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Changing;

/// <summary>Restores a key, or the keys with a prefix: first shows the plan, then makes the changes in one transaction, in the name of the
/// visitor and only if none of the keys has changed since the plan.</summary>
internal sealed class RestorePage(KeySource keys, ChangeBrowser changes, ServerBrowser server, Changer changer) : IFormPage
{
    /// <summary>The most keys in one transaction. pgetcd restore has no such limit.</summary>
    private const int Most = 500;

    public async Task<Answer> GetAsync(Visit visit) =>
        Show((await PlanAsync(visit, visit.Bytes("key"), visit.Bytes("prefix") ?? [], visit.Moment.Revision)).Shown, null);

    public async Task<Answer> PostAsync(Visit visit, IFormCollection form)
    {
        byte[]? key = form.ContainsKey("key") ? KeyText.Parse(form["key"].ToString()) : null;
        byte[] prefix = KeyText.Parse(form["prefix"].ToString());
        if (!long.TryParse(form["to"], NumberStyles.None, CultureInfo.InvariantCulture, out long to)
            || !long.TryParse(form["seen"], NumberStyles.None, CultureInfo.InvariantCulture, out long seen))
        {
            throw new DeniedException();
        }

        (RestoreModel shown, List<KeyChange> plan) = await PlanAsync(visit, key, prefix, to);
        if (shown.IsTooLarge)
        {
            return Show(shown, null);
        }

        // A key changed after the plan was shown is a conflict, although the compares of the new plan would let it pass.
        if (plan.Exists(change => change.SeenRevision > seen || keys.Present.Find(change.Key)?.ModRevision > seen))
        {
            return Show(shown, "Some of these keys have changed since the plan was made. This is the new plan; nothing was changed.");
        }

        Outcome outcome = plan.Count == 0 ? new Outcome(seen, null, false) : await changer.ChangeAsync(visit, plan);
        return outcome.Revision is not null
            ? new RedirectAnswer(key is null ? Visit.Address("/keys", ("prefix", prefix)) : Visit.Address("/key", ("key", key)))
            : Show(
                (await PlanAsync(visit, key, prefix, to)).Shown,
                outcome.Problem ?? "Some of these keys have just changed. This is the new plan; nothing was changed.");
    }

    /// <summary>The plan as it is shown, and the changes that carry it out.</summary>
    private async Task<(RestoreModel Shown, List<KeyChange> Changes)> PlanAsync(Visit visit, byte[]? key, byte[] prefix, long to)
    {
        KeyRange range = key is null ? Ranges.Prefix(prefix) : Ranges.One(key);
        visit.Demand(range);
        Visit.Demand(visit.IsWritable);
        long now = visit.Moment.Marks.Revision;
        Page<SeenDifference> page = await changes.DifferencesAsync(
            to, now, key ?? prefix, [], key is null ? Most : 1, isWhole: true, visit.Gone);
        List<SeenDifference> differences = key is null ? page.Rows : [.. page.Rows.Where(one => one.Key.AsSpan().SequenceEqual(key))];
        if (key is null && page.Next is not null)
        {
            return (new RestoreModel(key, prefix, to, now, [], IsTooLarge: true, null), []);
        }

        List<KeyChange> plan = [];
        List<RestoredKey> shown = [];
        foreach (SeenDifference difference in differences)
        {
            Visit.Demand(visit.Visitor.MayWrite(difference.Key));
            long lease = difference.OldModRevision is null ? 0 : await LeaseAsync(visit, difference.Key, to);
            plan.Add(new KeyChange(
                difference.Key, difference.OldModRevision is null ? null : difference.OldValue ?? [], lease,
                difference.NewModRevision ?? 0));
            shown.Add(new RestoredKey(
                difference.Key,
                difference.OldModRevision is null ? "delete" : difference.NewModRevision is null ? "create" : "update",
                visit.Masks.Hide(difference.Key) ? null : Comparison.Of(difference.NewValue, difference.OldValue)));
        }

        return (new RestoreModel(key, prefix, to, now, shown, IsTooLarge: false, null), plan);
    }

    /// <summary>The lease of a key at a revision, if the lease is still alive; otherwise 0.</summary>
    private async Task<long> LeaseAsync(Visit visit, byte[] key, long revision) =>
        await keys.KeyAsync(visit, key, revision) is { Lease: not 0 and var lease }
            && await server.LeaseAsync(lease, visit.Gone) is not null
            ? lease
            : 0;

    private static PageAnswer Show(RestoreModel plan, string? problem) =>
        new PageAnswer("Restore", typeof(RestoreView), plan with { Problem = problem }).WithConflict(problem is not null);
}

/// <summary>The model of the restore page.</summary>
/// <param name="Key">The key; null: a prefix.</param>
/// <param name="To">The revision to restore.</param>
/// <param name="Now">The revision at which the plan was made.</param>
public sealed record RestoreModel(
    byte[]? Key, byte[] Prefix, long To, long Now, IReadOnlyList<RestoredKey> Keys, bool IsTooLarge, string? Problem);

/// <summary>A key that the restore puts or deletes.</summary>
/// <param name="Comparison">The present and the restored value; null if the value is masked.</param>
public sealed record RestoredKey(byte[] Key, string Change, Comparison? Comparison);
