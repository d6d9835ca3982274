using System.Diagnostics;
using System.Globalization;
using PgEtcd.Postgres.Verification;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Upkeep;

/// <summary><c>pgetcd verify</c>: replays the log and checks the invariants.</summary>
internal static class VerifyVerb
{
    private const int Sound = 0;
    private const int Violated = 1;

    public static readonly Verb Verb = new(
        "verify", "", "Replay the log, archive included, and check every invariant; safe while servers run.", RunAsync)
    {
        Flags = [OutputFlags.OutputFlag],
        Notes = ["Exit code 0: all hold; 1: one is violated; 2: it could not be checked."],
        FailureCode = 2,
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        bool isJson = OutputFlags.IsJson(arguments);
        long started = Stopwatch.GetTimestamp();
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Target, SchemaUse.Check, cancellationToken);
        await using Verifier verifier = await Verifier.OpenAsync(opened.Database, cancellationToken);
        await StepAsync("checking the log", verifier.Rows, verifier.CheckLogAsync);
        await StepAsync("checking the keys", verifier.Rows, verifier.CheckKeysAsync);
        await StepAsync("checking the state", verifier.Keys, verifier.CheckCurrentStateAsync);
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        if (isJson)
        {
            WriteJson(arguments.Target.Schema, verifier, took);
        }
        else
        {
            Write(arguments.Target.Schema, verifier, took, Console.Out);
        }

        return verifier.Findings.Count == 0 ? Sound : Violated;

        Task StepAsync(string what, long total, Func<Action<long>, CancellationToken, Task> check) =>
            ProgressDisplay.StepAsync(what, total, async report =>
            {
                await check(report, cancellationToken);
                return true;
            });
    }

    private static void Write(string schema, Verifier verifier, TimeSpan took, TextWriter output)
    {
        StoreMarks marks = verifier.Marks;
        string compacted = marks.CompactRevision < 0 ? "never compacted" : $"compacted at {marks.CompactRevision}";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"Schema '{schema}': revision {marks.Revision}, {compacted}, {verifier.Rows} changes, {verifier.Keys} keys. "
            + $"Checked in {took.TotalSeconds:0.0} s:"));
        foreach (Invariant invariant in Invariant.All)
        {
            (long count, IReadOnlyList<string> told) = verifier.Findings.Of(invariant);
            output.WriteLine($"  {(count == 0 ? "holds   " : "VIOLATED")}  {invariant.Name,-13}  {invariant.Meaning}");
            foreach (string sentence in told)
            {
                output.WriteLine("            " + sentence);
            }

            if (count > told.Count)
            {
                output.WriteLine($"            … and {count - told.Count} more.");
            }
        }

        output.WriteLine(verifier.Findings.Count switch
        {
            0 => "All hold.",
            1 => "1 violation.",
            long count => $"{count} violations.",
        });
    }

    private static void WriteJson(string schema, Verifier verifier, TimeSpan took) => RowWriter.WriteObject(new
    {
        schema,
        revision = verifier.Marks.Revision,
        compact_revision = verifier.Marks.CompactRevision,
        kept_revision = verifier.Marks.KeptRevision,
        changes = verifier.Rows,
        keys = verifier.Keys,
        seconds = Math.Round(took.TotalSeconds, 3),
        violations = verifier.Findings.Count,
        invariants = Invariant.All.Select(invariant => new
        {
            name = invariant.Name,
            meaning = invariant.Meaning,
            violations = verifier.Findings.Of(invariant).Count,
            first = verifier.Findings.Of(invariant).Told,
        }),
    });
}
