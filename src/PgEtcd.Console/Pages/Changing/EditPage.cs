using System.Globalization;
using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Changing;

/// <summary>Edits a key in three steps: the text, the difference, and the put, which succeeds if the key is unchanged.</summary>
internal sealed class EditPage(KeySource keys, Changer changer) : IFormPage
{
    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] key = visit.Bytes("key") ?? [];
        bool isNew = visit.Text("new") == "1";
        Check(visit, key, isNew);
        return Show(!isNew && await keys.KeyAsync(visit, key) is { } seen
            ? new EditModel(key, KeyText.OfLines(seen.Value), seen.ModRevision, seen.Lease, isNew)
            : new EditModel(key, "", 0, 0, isNew));
    }

    public async Task<Answer> PostAsync(Visit visit, IFormCollection form)
    {
        byte[] key = KeyText.Parse(form["key"].ToString());
        Check(visit, key, isNew: false);
        // Browsers send the line breaks of a form as CR LF.
        string text = form["value"].ToString().Replace("\r\n", "\n", StringComparison.Ordinal);
        EditModel model = new(key, text, Number(form["seen"]), Number(form["lease"]), IsNew: form["new"] == "1");
        byte[] value = KeyText.Parse(text);
        SeenKey? now = await keys.KeyAsync(visit, key);
        bool isConflict = (now?.ModRevision ?? 0) != model.SeenRevision;
        if (!isConflict && form["step"] == "put")
        {
            Outcome outcome = await changer.ChangeAsync(visit, [new KeyChange(key, value, model.Lease, model.SeenRevision)]);
            if (!outcome.IsConflict)
            {
                return outcome.Problem is { } problem
                    ? Show(model with { Problem = problem })
                    : new RedirectAnswer(Visit.Address("/key", ("key", key)));
            }

            isConflict = true;
            now = await keys.KeyAsync(visit, key);
        }

        return Show(model with
        {
            Conflict = isConflict ? now ?? EditModel.Gone(key) : null,
            Comparison = Comparison.Of(now?.Value, value),
        });
    }

    private static void Check(Visit visit, byte[] key, bool isNew) =>
        Visit.Demand(visit.IsWritable && !visit.Masks.Hide(key) && (isNew || visit.Visitor.MayWrite(key)));

    /// <summary>A number in a hidden field; 0 if it is none.</summary>
    public static long Number(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : 0;

    private static PageAnswer Show(EditModel model) =>
        new PageAnswer("Edit", typeof(EditView), model).WithConflict(model.Conflict is not null);
}

/// <summary>Deletes a key, if it is unchanged since it was shown.</summary>
internal sealed class DeletePage(KeySource keys, Changer changer) : IFormPage
{
    public async Task<Answer> GetAsync(Visit visit)
    {
        byte[] key = visit.Bytes("key") ?? [];
        return await keys.KeyAsync(visit, key) is { } seen && visit.IsWritable && visit.Visitor.MayWrite(key)
            ? Show(new DeleteModel(key, seen.ModRevision, false, null))
            : throw new DeniedException();
    }

    public async Task<Answer> PostAsync(Visit visit, IFormCollection form)
    {
        byte[] key = KeyText.Parse(form["key"].ToString());
        Outcome outcome = await changer.ChangeAsync(visit, [new KeyChange(key, null, 0, EditPage.Number(form["seen"]))]);
        return outcome.Revision is not null ? new RedirectAnswer(Visit.Address("/key", ("key", key)))
            : Show(new DeleteModel(key, (await keys.KeyAsync(visit, key))?.ModRevision ?? 0, outcome.IsConflict, outcome.Problem));
    }

    private static PageAnswer Show(DeleteModel model) =>
        new PageAnswer("Delete", typeof(DeleteView), model).WithConflict(model.IsConflict);
}

/// <summary>The model of the edit page.</summary>
/// <param name="Text">The value as typed.</param>
/// <param name="SeenRevision">The mod revision from which the edit started; 0: the key did not exist.</param>
/// <param name="Lease">The key's lease, which an edit keeps.</param>
/// <param name="IsNew">Whether the key is typed too.</param>
/// <param name="Comparison">The difference, shown before the put; null in the first step.</param>
/// <param name="Conflict">The key as changed meanwhile by another client; null without a conflict.</param>
/// <param name="Problem">Why the put was refused; null if it was not.</param>
public sealed record EditModel(
    byte[] Key, string Text, long SeenRevision, long Lease, bool IsNew, Comparison? Comparison = null, SeenKey? Conflict = null,
    string? Problem = null)
{
    /// <summary>Stands for a key that another client has deleted.</summary>
    public static SeenKey Gone(byte[] key) => new(key, [], 0, 0, 0, 0, 0);
}

/// <summary>The model of the delete page.</summary>
public sealed record DeleteModel(byte[] Key, long SeenRevision, bool IsConflict, string? Problem);
