using Npgsql;
using NpgsqlTypes;

namespace PgEtcd.Postgres.Connections;

/// <summary>A value for <c>$1</c>, <c>$2</c> … of a statement, in that order. Its type is that of the C# value, so that Npgsql boxes
/// nothing and finds the prepared statement; null is a null of that type.</summary>
public readonly struct SqlValue
{
    private readonly NpgsqlParameter _parameter;

    private SqlValue(NpgsqlParameter parameter) => _parameter = parameter;

    public static implicit operator SqlValue(bool value) => Typed(value);
    public static implicit operator SqlValue(short value) => Typed(value);
    public static implicit operator SqlValue(int value) => Typed(value);
    public static implicit operator SqlValue(long value) => Typed(value);
    public static implicit operator SqlValue(long? value) => value is { } number ? Typed(number) : Null(NpgsqlDbType.Bigint);
    public static implicit operator SqlValue(double value) => Typed(value);
    public static implicit operator SqlValue(Guid value) => Typed(value);
    public static implicit operator SqlValue(TimeSpan value) => Typed(value);

    public static implicit operator SqlValue(DateTime? value) => value is { } time
        ? new(new NpgsqlParameter<DateTime> { TypedValue = time, NpgsqlDbType = NpgsqlDbType.TimestampTz })
        : Null(NpgsqlDbType.TimestampTz);

    public static implicit operator SqlValue(string? value) => value is null ? Null(NpgsqlDbType.Text) : Typed(value);

    public static implicit operator SqlValue(byte[]? value) => value is null ? Null(NpgsqlDbType.Bytea) : Typed(value);

    public static implicit operator SqlValue(ReadOnlyMemory<byte>? value) => value is { } bytes
        ? new(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = bytes, NpgsqlDbType = NpgsqlDbType.Bytea })
        : Null(NpgsqlDbType.Bytea);

    public static implicit operator SqlValue(long[] value) => Typed(value);
    public static implicit operator SqlValue(double[] value) => Typed(value);
    public static implicit operator SqlValue(string[] value) => Typed(value);
    public static implicit operator SqlValue(Guid[] value) => Typed(value);

    public static implicit operator SqlValue(DateTime[] value) =>
        new(new NpgsqlParameter<DateTime[]> { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });

    public static implicit operator SqlValue(byte[][] value) => Typed(value);

    /// <summary>An array, or null; its elements may be null.</summary>
    internal static SqlValue Array<T>(List<T>? values, NpgsqlDbType element) => values is null
        ? Null(NpgsqlDbType.Array | element)
        : new(new NpgsqlParameter<List<T>> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | element });

    /// <summary>Adds values to a statement.</summary>
    internal static void Add(NpgsqlParameterCollection parameters, ReadOnlySpan<SqlValue> values)
    {
        foreach (SqlValue value in values)
        {
            parameters.Add(value._parameter);
        }
    }

    private static SqlValue Typed<T>(T value) => new(new NpgsqlParameter<T> { TypedValue = value });

    private static SqlValue Null(NpgsqlDbType type) => new(new NpgsqlParameter { NpgsqlDbType = type, Value = DBNull.Value });
}
