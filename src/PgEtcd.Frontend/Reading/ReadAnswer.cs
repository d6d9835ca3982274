using PgEtcd.Mvcc;

namespace PgEtcd.Frontend.Reading;

/// <summary>The answer to a read: an error, or a result.</summary>
/// <param name="Error">None, or why nothing was read.</param>
/// <param name="Result">The result, when there is no error.</param>
public readonly record struct ReadAnswer<T>(KvError Error, T? Result)
    where T : OperationResult;
