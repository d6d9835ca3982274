using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Messages that are well formed and otherwise random.</summary>
internal static class RandomMessages
{
    private const int Deepest = 6;

    // Few and short, so that requests collide on keys, leases and users.
    private static readonly string[] Names = ["", "a", "b", "ab", "b\0", "\0", "é", "a/b/c", "\uffff"];
    private static readonly long[] Numbers = [
        0, 1, 2, 3, 5, 7, 60, 1000, -1, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];

    /// <summary>A message of a type.</summary>
    public static IMessage Make(Random random, MessageDescriptor type) => Make(random, type, 0);

    private static IMessage Make(Random random, MessageDescriptor type, int depth)
    {
        IMessage message = type.Parser.ParseFrom(ByteString.Empty);
        foreach (FieldDescriptor field in type.Fields.InDeclarationOrder())
        {
            if (random.Next(2) == 0 || (field.FieldType == FieldType.Message && depth == Deepest))
            {
                continue;
            }

            if (field.IsRepeated)
            {
                System.Collections.IList list = (System.Collections.IList)field.Accessor.GetValue(message);
                for (int count = random.Next(4); count > 0; count--)
                {
                    list.Add(Value(random, field, depth));
                }
            }
            else
            {
                field.Accessor.SetValue(message, Value(random, field, depth));
            }
        }

        return message;
    }

    private static object Value(Random random, FieldDescriptor field, int depth)
    {
        long number = random.Next(4) == 0 ? random.NextInt64() : Numbers[random.Next(Numbers.Length)];
        return field.FieldType switch
        {
            FieldType.Message => Make(random, field.MessageType, depth + 1),
            FieldType.Bytes => random.Next(50) == 0
                ? ByteString.CopyFrom(new byte[Large(random)])
                : ByteString.CopyFromUtf8(Names[random.Next(Names.Length)]),
            FieldType.String => random.Next(50) == 0 ? new string('x', Large(random)) : Names[random.Next(Names.Length)],
            FieldType.Bool => random.Next(2) == 0,
            FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, random.Next(-1, 6)),
            FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => (int)number,
            FieldType.UInt32 or FieldType.Fixed32 => (uint)number,
            FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => number,
            FieldType.UInt64 or FieldType.Fixed64 => (ulong)number,
            FieldType.Double => (double)number,
            FieldType.Float => (float)number,
            _ => throw new NotSupportedException($"{field.FullName} is of a type that no message of etcd had."),
        };
    }

    /// <summary>Few sizes, so that large keys do not accumulate; the store may be as large as its content.</summary>
    private static int Large(Random random) => 1 << random.Next(8, 17);
}
