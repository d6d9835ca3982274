namespace PgEtcd.Postgres.Calls;

/// <summary>The database did not answer within the request's time limit. A write may or may not have happened.</summary>
public sealed class StoreUnavailableException(Exception? innerException = null)
    : Exception("PostgreSQL did not answer in time.", innerException);
