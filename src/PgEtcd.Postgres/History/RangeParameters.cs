using Npgsql;
using NpgsqlTypes;
using PgEtcd.Mvcc;

namespace PgEtcd.Postgres.History;

/// <summary>Ranges as SQL takes them: a start, and an end or null.</summary>
internal static class RangeParameters
{
    /// <summary>Adds both.</summary>
    public static void AddTo(this KeyRange range, NpgsqlParameterCollection parameters)
    {
        parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = range.Start });
        // A single key is the range that ends right after it.
        ReadOnlyMemory<byte> end = range.IsSingleKey ? (byte[])[.. range.Start.Span, 0] : range.End;
        parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Bytea, Value = range.IsOpenEnded ? DBNull.Value : end });
    }
}
