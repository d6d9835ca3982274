using PgEtcd.Postgres.Connections;

namespace PgEtcd.Verbs.Running;

/// <summary>The words behind a verb.</summary>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Switches">The given flags of its own without a value.</param>
/// <param name="Values">The given flags of its own with a value.</param>
/// <param name="Target">The store.</param>
/// <param name="ReadAddress">Turns the address of a database into Npgsql's form, given its flag and its text; a
/// <see cref="CommandException"/> has the reason of a failure.</param>
public sealed record VerbArguments(
    IReadOnlyList<string> Arguments, IReadOnlySet<string> Switches, IReadOnlyDictionary<string, string> Values, VerbTarget Target,
    Func<string, string, string> ReadAddress)
{
    /// <summary>The first argument, for verbs that have one.</summary>
    public string Argument => Arguments[0];
}

/// <summary>The store that a verb works on.</summary>
/// <param name="Database">Npgsql's connection string, which holds the password; null: the private local PostgreSQL in
/// <paramref name="DataDir"/>.</param>
/// <param name="Schema">The schema; a legal identifier, not yet quoted.</param>
/// <param name="DataDir">Absolute path.</param>
/// <param name="DataDirIsDefault">Whether <paramref name="DataDir"/> is the default.</param>
/// <param name="MayMigrate">Whether the schema may be created and changed.</param>
/// <param name="Password">The command that prints the password of <paramref name="Database"/>; null: the address holds it, or none is
/// needed.</param>
public sealed record VerbTarget(
    string? Database, string Schema, string DataDir, bool DataDirIsDefault, bool MayMigrate, PasswordCommand? Password);
