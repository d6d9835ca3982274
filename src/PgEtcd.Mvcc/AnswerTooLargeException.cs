namespace PgEtcd.Mvcc;

/// <summary>The answer to a request would be larger than a message can be. Nothing was changed.</summary>
/// <param name="size">Bytes of the answer, as far as it was evaluated.</param>
public sealed class AnswerTooLargeException(long size) : Exception($"The answer has more than {size} bytes.")
{
    /// <summary>Most bytes of a message: its length is a signed 32-bit number, and headers take some of it.</summary>
    public const long Limit = int.MaxValue - 2048;

    /// <summary>Bytes of the answer, as far as it was evaluated.</summary>
    public long Size { get; } = size;

    /// <summary>Adds to a sum of sizes.</summary>
    /// <param name="sum">Bytes so far.</param>
    /// <param name="size">Bytes to add.</param>
    /// <param name="most">Most bytes.</param>
    /// <exception cref="AnswerTooLargeException">The sum exceeds the limit.</exception>
    public static long Add(long sum, long size, long most = Limit) =>
        sum + size <= most ? sum + size : throw new AnswerTooLargeException(sum + size);
}
