using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using PgEtcd.Api.Gateway;

namespace PgEtcd.Api.Tests.Gateway;

/// <summary>Messages of any type with random fields, in which edge cases are more likely than by chance.</summary>
internal sealed class RandomMessages(Random random)
{
    private const int MostNested = 5;

    private static readonly string[] Texts = [
        "", "a", "\"\\/\b\f\n\r\t\u0000\u001f\u007f", "schlüssel 鍵 🔑", "<script>&'+</script>", "\u2028\u2029\ufeff"];

    public IMessage Next(MessageDescriptor type, int depth = 0)
    {
        IMessage message = JsonReading.Empty(type);
        foreach (FieldDescriptor field in type.Fields.InDeclarationOrder())
        {
            if (random.Next(3) == 0 || (field.FieldType == FieldType.Message && depth == MostNested))
            {
                continue;
            }

            if (field.IsRepeated)
            {
                IList items = (IList)field.Accessor.GetValue(message);
                for (int i = random.Next(4); i > 0; i--)
                {
                    items.Add(Value(field, depth));
                }
            }
            else
            {
                field.Accessor.SetValue(message, Value(field, depth));
            }
        }

        return message;
    }

    private object Value(FieldDescriptor field, int depth) => field.FieldType switch
    {
        FieldType.Message => Next(field.MessageType, depth + 1),
        FieldType.Bool => random.Next(2) == 0,
        FieldType.String => Texts[random.Next(Texts.Length)],
        FieldType.Bytes => Bytes(),
        FieldType.Enum => random.Next(-1, 6),
        FieldType.Int64 => (long)Number(),
        FieldType.UInt64 => Number(),
        FieldType.Int32 => (int)Number(),
        FieldType.UInt32 => (uint)Number(),
        _ => throw new NotSupportedException($"{field.FullName} is of type {field.FieldType}."),
    };

    private ByteString Bytes()
    {
        byte[] bytes = new byte[random.Next(3) == 0 ? random.Next(3000) : random.Next(6)];
        random.NextBytes(bytes);
        return ByteString.CopyFrom(bytes);
    }

    private ulong Number() => random.Next(4) switch
    {
        0 => 0,
        1 => (ulong)random.Next(-2, 3),
        2 => 1UL << random.Next(64),
        _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
    };
}
