using PgEtcd.Verbs.Files;
using PgEtcd.Verbs.Past;
using PgEtcd.Verbs.Running;
using PgEtcd.Verbs.Upkeep;

namespace PgEtcd.Verbs;

/// <summary>The verbs: the only list of them. Without one the binary serves.</summary>
public static class VerbList
{
    /// <summary>The default verb.</summary>
    public const string Serve = "serve";

    public static readonly IReadOnlyList<Verb> All =
    [
        HistoryVerb.Verb, DiffVerb.Verb, StateVerb.Verb, RestoreVerb.Verb, VerifyVerb.Verb, ImportVerb.Verb, ExportVerb.Verb,
        ImportKineVerb.Verb, MigrateVerb.Verb,
    ];

    /// <summary>The part of the binary's help about verbs.</summary>
    public static string HelpText => string.Join(
        Environment.NewLine,
        [
            "Commands:",
            $"  {Serve,-13} Serve clients; this is what happens without a command.",
            .. All.Select(verb => $"  {$"{verb.Name} {verb.Argument}",-13} {verb.Help}"),
        ]);

    /// <summary>The verb with a name, or null.</summary>
    public static Verb? Find(string name) => All.FirstOrDefault(verb => verb.Name == name);
}
