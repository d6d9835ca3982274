
namespace PgEtcd.Server.Configuration;

/// <content>The database and the data directory.</content>
internal static partial class Flags
{
    public static readonly Flag Database = new("database", null, "address",
        "PostgreSQL: a postgres:// URL or an Npgsql connection string. Without it, a private local PostgreSQL runs under --data-dir.")
    { Group = FlagGroup.Database, IsOurs = true };

    public static readonly Flag DatabasePasswordCommand = new("database-password-command", null, "command",
        "Shell command that prints the password for --database; run for new connections.")
    { Group = FlagGroup.Database, IsOurs = true };

    public static readonly Flag DatabasePasswordLifetime = new("database-password-lifetime", "1m", "duration",
        "How long the output of --database-password-command is used for further connections.")
    { Group = FlagGroup.Database, IsOurs = true };

    public static readonly Flag Schema = new("schema", "pgetcd", "name", "Schema that holds this cluster; one schema is one cluster.")
    { Group = FlagGroup.Database, IsOurs = true };

    public static readonly Flag DataDir = new("data-dir", null, "path",
        "Directory of the private local PostgreSQL (default ./<name>.pgetcd); unused with --database.")
    { Group = FlagGroup.Database };

    public static readonly Flag QuotaBackendBytes = new("quota-backend-bytes", "0", "bytes",
        "Size of the store at which writes are refused (alarm NOSPACE). 0 or less: no quota, unlike etcd's 2 GiB.")
    { Group = FlagGroup.Database };

    public static readonly Flag SqlWriteTimeout = new("sql-write-timeout", "5s", "duration",
        "How long an SQL transaction that changed keys may block all other writes before it is cancelled. 0: no limit.")
    { Group = FlagGroup.Database, IsOurs = true };

    public static readonly Flag Migrate = new("migrate", "auto", "when",
        "auto: migrate the schema to the version of this binary at the start. "
        + "never: refuse any other version; no right to change the schema is needed.")
    { Group = FlagGroup.Database, IsOurs = true };
}
