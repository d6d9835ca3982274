using System.Diagnostics.Metrics;
using System.Numerics;

namespace PgEtcd.Server.Metrics;

/// <summary>A sum of whole numbers. Each core adds to a number of its own, on a cache line of its own.</summary>
internal sealed class SumSeries(Instrument instrument, string kind) : Series(instrument)
{
    private const int LongsInLine = 8;

    private static readonly int Cells = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Min(Environment.ProcessorCount, 16));

    private readonly long[] _cells = new long[Cells * LongsInLine];

    public override string Kind => kind;

    public override void Take(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        Interlocked.Add(ref _cells[(Thread.GetCurrentProcessorId() & (Cells - 1)) * LongsInLine], (long)value);

    public override (double Sum, double Count) Total => (Sum(), 0);

    public override void Write(PrometheusText text) => text.Sample(Name, Labels, Sum());

    private long Sum()
    {
        long sum = 0;
        for (int cell = 0; cell < _cells.Length; cell += LongsInLine)
        {
            sum += Volatile.Read(ref _cells[cell]);
        }

        return sum;
    }
}
