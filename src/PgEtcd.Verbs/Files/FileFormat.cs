using PgEtcd.Postgres;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary>The flag for the format of a file.</summary>
internal static class FileFormat
{
    public const string Name = "--format";

    public static readonly VerbFlag Flag =
        new(Name, "FORMAT", "snapshot (the default), a file of etcd; or jsonl, a line for each key.");

    /// <summary>Whether the file has lines of JSON.</summary>
    public static bool IsJson(VerbArguments arguments) => arguments.Values.GetValueOrDefault(Name, "snapshot") switch
    {
        "snapshot" => false,
        "jsonl" => true,
        string other => throw new CommandException($"{Name} must be snapshot or jsonl, not \"{Printable.Given(other)}\"."),
    };
}
