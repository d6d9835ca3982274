using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>A connection has reached a standby: a primary that was demoted a moment ago, or an address that leads to the wrong server. A
/// standby takes no writes, and its reads may be old. The condition is temporary, so the connection is opened anew.</summary>
internal sealed class StandbyException()
    : NpgsqlException("PostgreSQL is a standby.", new IOException("the server is a standby, which takes no writes"));
