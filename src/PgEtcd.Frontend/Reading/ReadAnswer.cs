using PgEtcd.Mvcc;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Reading;

/// <summary>The answer to a read: an error, or a result.</summary>
/// <param name="Error">The reason why nothing was read, or null.</param>
/// <param name="Result">The result, when there is no error.</param>
public readonly record struct ReadAnswer<T>(EtcdError? Error, T? Result)
    where T : OperationResult;
