using PgEtcd.Postgres.Connections;

namespace PgEtcd.Verbs.Running;

/// <summary>What followed a verb.</summary>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Switches">Those of its own flags without a value that were given.</param>
/// <param name="Values">Those of its own flags with a value that were given.</param>
/// <param name="Target">Where it works.</param>
/// <param name="ReadAddress">Npgsql's form of the address of a database, given the flag that holds it and what it holds; a
/// <see cref="CommandException"/> says what is wrong with it.</param>
public sealed record VerbArguments(
    IReadOnlyList<string> Arguments, IReadOnlySet<string> Switches, IReadOnlyDictionary<string, string> Values, VerbTarget Target,
    Func<string, string, string> ReadAddress)
{
    /// <summary>Of verbs that have one.</summary>
    public string Argument => Arguments[0];
}

/// <summary>The store that a verb works on.</summary>
/// <param name="Database">Npgsql's connection string, which holds the password; null: the private local PostgreSQL in
/// <paramref name="DataDir"/>.</param>
/// <param name="Schema">The schema; a legal identifier, not yet quoted.</param>
/// <param name="DataDir">Absolute path.</param>
/// <param name="DataDirIsDefault">Whether <paramref name="DataDir"/> is the default.</param>
/// <param name="MayMigrate">The schema may be made and changed.</param>
/// <param name="Password">Gives the password of <paramref name="Database"/>; null: it is there, or none is needed.</param>
public sealed record VerbTarget(
    string? Database, string Schema, string DataDir, bool DataDirIsDefault, bool MayMigrate, PasswordCommand? Password);
