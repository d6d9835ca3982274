using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>A connection has reached a standby: a primary that was demoted a moment ago, or an address that leads to the wrong server.
/// It takes no writes, and what it answers to a read may be old. It passes, so the connection is opened anew.</summary>
internal sealed class StandbyException()
    : NpgsqlException("PostgreSQL is a standby.", new IOException("the server is a standby, which takes no writes"));
