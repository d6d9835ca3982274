using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Calls;

/// <summary>Statements that serve many callers. One is under way at a time; it serves all callers that arrived during the previous one,
/// within the time limit of the first of them.</summary>
/// <param name="database">The database to ask.</param>
/// <param name="timeLimit">The longest wait of a caller.</param>
/// <param name="clock">Measures the wait.</param>
/// <param name="ask">Sends the statement for all items, in order of arrival; called again if the connection broke.</param>
public sealed class SharedCalls<TItem, TResult>(
    Database database, TimeSpan timeLimit, TimeProvider clock, Func<IReadOnlyList<TItem>, CancellationToken, Task<TResult>> ask)
{
    private readonly Rounds<Round, TResult> _rounds = new(
        () => new Round(clock.GetTimestamp(), []),
        round => database.InTimeAsync(timeLimit - clock.GetElapsedTime(round.Started), token => ask(round.Items, token)));

    /// <summary>Asks for an item.</summary>
    /// <param name="item">The item.</param>
    /// <param name="number">Its position among the items that share the statement, from 0.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<TResult> AskAsync(TItem item, out int number)
    {
        int place = 0;
        Task<TResult> result = _rounds.JoinAsync(round =>
        {
            place = round.Items.Count;
            round.Items.Add(item);
        });
        number = place;
        return result;
    }

    /// <summary>The callers of one statement.</summary>
    /// <param name="Started">The arrival of the first.</param>
    /// <param name="Items">The callers' items.</param>
    private sealed record Round(long Started, List<TItem> Items);
}
