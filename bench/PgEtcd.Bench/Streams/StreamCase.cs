namespace PgEtcd.Bench.Streams;

/// <summary>The name of a row, as in <see cref="Targets.Streams"/>, and its unit.</summary>
public sealed record RowHead(string Name, string Unit);

/// <summary>A measurement of watches or leases, with one or more rows.</summary>
public abstract class StreamCase(Options options, params RowHead[] rows)
{
    /// <summary>The rows, in the order of the numbers that a turn returns.</summary>
    public IReadOnlyList<RowHead> Rows => rows;

    protected Options Options => options;

    /// <summary>Prepares a server for its turns, once.</summary>
    /// <exception cref="BenchException">The result was wrong.</exception>
    public virtual Task Prepare(Server server) => Task.CompletedTask;

    /// <summary>Measures one server once.</summary>
    /// <returns>A number for each row.</returns>
    /// <exception cref="BenchException">An event was missing, duplicate or wrong, or a request failed.</exception>
    public abstract Task<IReadOnlyList<double>> Turn(Server server, int seed);
}
