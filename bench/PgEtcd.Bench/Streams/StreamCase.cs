namespace PgEtcd.Bench.Streams;

/// <summary>A row of the table: its name, as in <see cref="Targets.Streams"/>, and its unit.</summary>
public sealed record RowHead(string Name, string Unit);

/// <summary>Something measured about watches or leases: one row or several.</summary>
public abstract class StreamCase(Options options, params RowHead[] rows)
{
    /// <summary>The rows, in the order of the numbers that a turn gives.</summary>
    public IReadOnlyList<RowHead> Rows => rows;

    protected Options Options => options;

    /// <summary>Makes what the turns of one server need, once.</summary>
    /// <exception cref="BenchException">It did not come out as it must.</exception>
    public virtual Task Prepare(Server server) => Task.CompletedTask;

    /// <summary>Measures one server once.</summary>
    /// <returns>A number for each row.</returns>
    /// <exception cref="BenchException">Something was not delivered, delivered twice or wrong, or not done.</exception>
    public abstract Task<IReadOnlyList<double>> Turn(Server server, int seed);
}
