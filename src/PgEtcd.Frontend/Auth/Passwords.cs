using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Auth;

/// <summary>Hashes passwords, and checks them, a few at a time beside the requests: it is meant to be slow.</summary>
/// <param name="cost">--bcrypt-cost.</param>
public sealed class Passwords(int cost) : IDisposable
{
    private const int MostBytes = 72;
    private const int MostWaiting = 1000;
    private const int MostRemembered = 10_000;
    private const string Pbkdf2 = "$pbkdf2-sha256$";
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>PBKDF2's rounds at cost 0: so that equal costs take about equal times.</summary>
    private const int Pbkdf2Rounds = 256;

    private const int MostPbkdf2Cost = 22;

    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(HashBytes);
    private readonly ConcurrentDictionary<string, bool> _right = new();
    private byte[]? _decoy;
    private int _waiting;

    /// <summary>Refuses what bcrypt cannot hash.</summary>
    /// <exception cref="RpcException">The password is too long.</exception>
    public static void CheckLength(string password)
    {
        if (Encoding.UTF8.GetByteCount(password) > MostBytes)
        {
            throw EtcdErrors.PasswordTooLong.ToException();
        }
    }

    /// <summary>Hashes a password.</summary>
    /// <exception cref="RpcException">Too many wait.</exception>
    public Task<byte[]> HashAsync(string password) => RunAsync(() => Encoding.ASCII.GetBytes(Hash(Encoding.UTF8.GetBytes(password))));

    /// <summary>Whether a password is right.</summary>
    /// <remarks>One that was right is remembered, as a keyed hash: ten thousand clients of one user cost bcrypt once.</remarks>
    /// <param name="hash">The user's; null: there is no such user, which takes as long to find out.</param>
    /// <param name="password">What the client says.</param>
    /// <exception cref="RpcException">Too many wait.</exception>
    public async Task<bool> VerifyAsync(byte[]? hash, string password)
    {
        string mark = Mark(hash ?? [], password);
        if (hash is not null && _right.ContainsKey(mark))
        {
            return true;
        }

        byte[] known = hash ?? (_decoy ??= await HashAsync(""));
        bool isRight = await RunAsync(() => Verify(Encoding.UTF8.GetBytes(password), Encoding.ASCII.GetString(known))) && hash is not null;
        if (isRight)
        {
            if (_right.Count >= MostRemembered)
            {
                _right.Clear();
            }

            _right[mark] = true;
        }

        return isRight;
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    private static bool Verify(byte[] password, string hash)
    {
        if (Bcrypt.IsHash(hash))
        {
            return Bcrypt.IsAvailable && Bcrypt.Verify(password, hash);
        }

        string[] parts = hash.Split('$'); // "", name, rounds, salt, hash
        return hash.StartsWith(Pbkdf2, StringComparison.Ordinal) && parts.Length == 5
            && int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int rounds) && rounds > 0
            && CryptographicOperations.FixedTimeEquals(
                Rfc2898DeriveBytes.Pbkdf2(password, Convert.FromHexString(parts[3]), rounds, HashAlgorithmName.SHA256, HashBytes),
                Convert.FromHexString(parts[4]));
    }

    private string Hash(byte[] password)
    {
        if (Bcrypt.IsAvailable && !password.Contains((byte)0)) // C ends a text at a zero
        {
            return Bcrypt.Hash(password, cost);
        }

        int rounds = Pbkdf2Rounds << Math.Min(cost, MostPbkdf2Cost);
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA256, HashBytes);
        return $"{Pbkdf2}{rounds.ToString(CultureInfo.InvariantCulture)}${Convert.ToHexString(salt)}${Convert.ToHexString(hash)}";
    }

    private string Mark(byte[] hash, string password) =>
        Convert.ToBase64String(HMACSHA256.HashData(_secret, (byte[])[.. hash, 0, .. Encoding.UTF8.GetBytes(password)]));

    private async Task<T> RunAsync<T>(Func<T> work)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw EtcdErrors.RequestTooManyRequests.ToException();
        }

        try
        {
            await _slots.WaitAsync();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            return await Task.Run(work);
        }
        finally
        {
            _slots.Release();
        }
    }
}
