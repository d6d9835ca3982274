using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace PgEtcd.Frontend.Auth;

/// <summary>bcrypt by the system's libcrypt (libxcrypt, or musl's libc), as no package of it can be had. What it makes is what
/// etcd makes, byte for byte, so users can be imported and exported with their passwords (decision 15).</summary>
internal static unsafe class Bcrypt
{
    private const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int SaltBytes = 16;
    private const int SaltCharacters = 22;
    private const int CostAt = 4;
    private const int HashCharacters = 60;

    /// <summary>More than any implementation's crypt_data.</summary>
    private const int WorkingBytes = 256 * 1024;

    private static readonly delegate* unmanaged<byte*, byte*, byte*, byte*> Crypt = Load();

    /// <summary>Whether there is a library that knows it.</summary>
    public static bool IsAvailable { get; } = Knows();

    /// <summary>Hashes a password with a new salt.</summary>
    /// <param name="password">Up to 72 bytes count; none of them 0.</param>
    /// <param name="cost">From 4 to 31.</param>
    public static string Hash(ReadOnlySpan<byte> password, int cost)
    {
        string setting = $"$2b${cost:00}${Encode(RandomNumberGenerator.GetBytes(SaltBytes))}";
        string hash = Run(password, setting) ?? throw new InvalidOperationException("libcrypt has refused to make a bcrypt hash.");
        return Renamed(hash, 'a'); // etcd's name for the same
    }

    /// <summary>Whether a password fits a hash.</summary>
    public static bool Verify(ReadOnlySpan<byte> password, string hash) =>
        hash.Length == HashCharacters
        // 2a in this library guards against a mistake of old implementations, and with a few passwords is not what others call 2a.
        && Run(password, Renamed(hash, 'b')) is { } made
        && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Renamed(made, 'b')), Encoding.ASCII.GetBytes(Renamed(hash, 'b')));

    /// <summary>Whether it looks like a bcrypt hash.</summary>
    public static bool IsHash(string text) =>
        text.Length == HashCharacters && text[0] == '$' && text[1] == '2' && text[CostAt - 1] == '$' && text[CostAt + 2] == '$';

    private static string Renamed(string hash, char minor) => string.Concat("$2", minor.ToString(), hash.AsSpan(CostAt - 1));

    private static string? Run(ReadOnlySpan<byte> password, string setting)
    {
        if (password.Contains((byte)0))
        {
            return null;
        }

        byte[] phrase = [.. password, 0];
        byte[] salt = [.. Encoding.ASCII.GetBytes(setting), 0];
        byte* working = (byte*)NativeMemory.AllocZeroed(WorkingBytes);
        try
        {
            fixed (byte* phraseStart = phrase, saltStart = salt)
            {
                string? made = Marshal.PtrToStringAnsi((nint)Crypt(phraseStart, saltStart, working));
                return made is not null && IsHash(made) ? made : null;
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(phrase);
            NativeMemory.Clear(working, WorkingBytes);
            NativeMemory.Free(working);
        }
    }

    private static string Encode(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(SaltCharacters);
        uint bits = 0;
        int count = 0;
        foreach (byte next in bytes)
        {
            bits = (bits << 8) | next;
            for (count += 8; count >= 6; count -= 6)
            {
                text.Append(Alphabet[(int)(bits >> (count - 6)) & 63]);
            }
        }

        return text.Append(Alphabet[(int)(bits << (6 - count)) & 63]).ToString();
    }

    private static delegate* unmanaged<byte*, byte*, byte*, byte*> Load()
    {
        foreach (string library in (string[])["libcrypt.so.1", "libcrypt.so.2", "libcrypt.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"])
        {
            if (NativeLibrary.TryLoad(library, out nint handle) && NativeLibrary.TryGetExport(handle, "crypt_r", out nint crypt))
            {
                return (delegate* unmanaged<byte*, byte*, byte*, byte*>)crypt;
            }
        }

        return null;
    }

    /// <summary>Some systems' library has no bcrypt; what it answers then is a mark of failure.</summary>
    private static bool Knows() =>
        Crypt != null
        && Run("hello"u8, "$2b$04$abcdefghijklmnopqrstuu") == "$2b$04$abcdefghijklmnopqrstuuwHJMEGjfAzmL1lWmUmlphguIbWfjYey";
}
