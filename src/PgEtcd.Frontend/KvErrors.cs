using PgEtcd.Mvcc;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend;

/// <summary>Translates errors of the key space to etcd's.</summary>
public static class KvErrors
{
    /// <summary>The error; null for <see cref="KvError.None"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">For <see cref="KvError.HistoryNeeded"/>, which never reaches a client.</exception>
    public static EtcdError? ToEtcd(this KvError error) => error switch
    {
        KvError.None => null,
        KvError.EmptyKey => EtcdErrors.EmptyKey,
        KvError.KeyNotFound => EtcdErrors.KeyNotFound,
        KvError.ValueProvided => EtcdErrors.ValueProvided,
        KvError.LeaseProvided => EtcdErrors.LeaseProvided,
        KvError.TooManyOps => EtcdErrors.TooManyOps,
        KvError.DuplicateKey => EtcdErrors.DuplicateKey,
        KvError.InvalidSortOption => EtcdErrors.InvalidSortOption,
        KvError.Compacted => EtcdErrors.Compacted,
        KvError.FutureRevision => EtcdErrors.FutureRev,
        KvError.LeaseNotFound => EtcdErrors.LeaseNotFound,
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "No client is told this."),
    };
}
