using PgEtcd.Postgres.Migrations;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Upkeep;

/// <summary><c>pgetcd migrate</c>: brings the schema to the version of this binary, without a server.</summary>
internal static class MigrateVerb
{
    public static readonly Verb Verb = new("migrate", "", "Make the schema, or bring it to the version of this binary.", RunAsync)
    {
        Flags = [OutputFlags.OutputFlag, new(OutputFlags.DryRun, null, "Only say what would be done.")],
        Notes = ["Servers with --migrate=never then need no right to change the schema: see docs/commands.md."],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        bool isJson = OutputFlags.IsJson(arguments);
        bool isDry = arguments.Switches.Contains(OutputFlags.DryRun);
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Target, SchemaUse.Leave, cancellationToken);
        MigrationPlan plan = await (isDry ? opened.Migrator.PlanAsync(cancellationToken) : opened.Migrator.MigrateAsync(cancellationToken));
        if (isJson)
        {
            RowWriter.WriteObject(new
            {
                schema = arguments.Target.Schema,
                from = plan.From,
                to = plan.To,
                migrations = plan.Tables,
                functions = plan.Functions,
                dry_run = isDry,
            });
            return 0;
        }

        string schema = $"Schema '{arguments.Target.Schema}'";
        string headline = plan.IsEmpty ? $"{schema} is at version {plan.To}: nothing to do."
            : plan.From == 0 ? $"{schema} {(isDry ? "would be" : "was")} made at version {plan.To}:"
            : plan.Tables.Count > 0 ? $"{schema} {(isDry ? "would go" : "went")} from version {plan.From} to {plan.To}:"
            : $"{schema} is at version {plan.To}, its functions {(isDry ? "would be" : "were")} applied again:";
        await Console.Out.WriteLineAsync(string.Join(
            Environment.NewLine, [headline, .. plan.Tables.Concat(plan.Functions).Select(name => "  " + name)]));
        return 0;
    }
}
