namespace PgEtcd.Mvcc;

/// <summary>Why the key space refuses a request, which then changes nothing. <c>KvErrors</c> of PgEtcd.Frontend has etcd's error for
/// each.</summary>
public enum KvError
{
    None,

    /// <summary>A request, or a compare or operation of a transaction, has no key.</summary>
    EmptyKey,

    /// <summary>A put keeps the value or the lease of a key that does not exist; or an operation of a transaction is not set.</summary>
    KeyNotFound,

    /// <summary>A put brings a value, and keeps that of its key (<c>ignore_value</c>).</summary>
    ValueProvided,

    /// <summary>A put names a lease, and keeps that of its key (<c>ignore_lease</c>).</summary>
    LeaseProvided,

    /// <summary>A transaction has more compares or operations than the server takes.</summary>
    TooManyOps,

    /// <summary>A branch of a transaction puts a key twice, or puts and deletes it.</summary>
    DuplicateKey,

    /// <summary>The sort order or target is none of etcd's.</summary>
    InvalidSortOption,

    /// <summary>The revision asked for is below the compact revision.</summary>
    Compacted,

    /// <summary>The revision asked for is above the current one.</summary>
    FutureRevision,

    /// <summary>The lease of a put does not exist.</summary>
    LeaseNotFound,

    /// <summary>No fault of the request: <see cref="IHistory"/> lacks an older state that it reads. Fetch it and evaluate again.</summary>
    HistoryNeeded,
}
