namespace PgEtcd.Server.Configuration;

/// <content>The database and the data directory.</content>
internal static partial class Flags
{
    public static readonly Flag Database = new(FlagGroup.Database, "database", null, "address",
        "PostgreSQL: a postgres:// URL or an Npgsql connection string. Without it, a private local PostgreSQL runs under --data-dir.",
        IsOurs: true);

    public static readonly Flag DatabasePasswordCommand = new(FlagGroup.Database, "database-password-command", null, "command",
        "Shell command that prints the password for --database; run for new connections.", IsOurs: true);

    public static readonly Flag DatabasePasswordLifetime = new(FlagGroup.Database, "database-password-lifetime", "1m", "duration",
        "How long the output of --database-password-command is used for further connections.", IsOurs: true);

    public static readonly Flag Schema = new(
        FlagGroup.Database, "schema", "pgetcd", "name", "Schema that holds this cluster; one schema is one cluster.", IsOurs: true);

    public static readonly Flag DataDir = new(FlagGroup.Database, "data-dir", null, "path",
        "Directory of the private local PostgreSQL (default ./<name>.pgetcd); unused with --database.");

    public static readonly Flag QuotaBackendBytes = new(FlagGroup.Database, "quota-backend-bytes", "0", "bytes",
        "Size of the store at which writes are refused (alarm NOSPACE). 0 or less: no quota, unlike etcd's 2 GiB.");

    public static readonly Flag SqlWriteTimeout = new(FlagGroup.Database, "sql-write-timeout", "5s", "duration",
        "How long an SQL transaction that changed keys may block all other writes before it is cancelled. 0: no limit.", IsOurs: true);

    public static readonly Flag Migrate = new(FlagGroup.Database, "migrate", "auto", "when",
        "auto: migrate the schema to the version of this binary at the start. "
        + "never: refuse any other version; no right to change the schema is needed.", IsOurs: true);
}
