using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Auth;

/// <summary>Hashes passwords, and checks them, a few at a time beside the requests: it is meant to be slow.</summary>
/// <remarks>The hashes are etcd's, so users are imported and exported with their passwords (decision 15).</remarks>
/// <param name="cost">--bcrypt-cost.</param>
public sealed partial class Passwords(int cost) : IDisposable
{
    private const int MostBytes = 72;
    private const int MostWaiting = 1000;
    private const int MostRemembered = 10_000;
    private const int SecretBytes = 32;

    /// <summary>How many characters of a hash tell its revision, cost and salt.</summary>
    private const int SettingCharacters = 29;

    private const int CostAt = 4;
    private const int CostDigits = 2;
    private const int SaltAndDigest = 53;

    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(SecretBytes);
    private readonly ConcurrentDictionary<string, bool> _right = new();
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
    public Task<byte[]> HashAsync(string password) => RunAsync(() => Encoding.ASCII.GetBytes(BCrypt.Net.BCrypt.HashPassword(password, cost)));

    /// <summary>Whether a password is right.</summary>
    /// <remarks>One that was right is remembered, as a keyed hash: ten thousand clients of one user cost bcrypt once.</remarks>
    /// <param name="hash">The user's, or another whose cost is to be spent.</param>
    /// <param name="password">What the client says.</param>
    /// <exception cref="RpcException">Too many wait.</exception>
    public async Task<bool> VerifyAsync(byte[] hash, string password)
    {
        string mark = Mark(hash, password);
        if (_right.ContainsKey(mark))
        {
            return true;
        }

        bool isRight = await RunAsync(() => Verify(password, Encoding.ASCII.GetString(hash)));
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

    /// <summary>Takes as long as <see cref="VerifyAsync"/> does, for a user who does not exist or has no hash.</summary>
    /// <param name="userCost">Of a hash that there is; null: there is none.</param>
    /// <param name="password">What the client says.</param>
    /// <exception cref="RpcException">Too many wait.</exception>
    public Task SpendAsync(int? userCost, string password) =>
        RunAsync(() => Verify(password, $"$2a${userCost ?? cost:00}${new string('.', SaltAndDigest)}"));

    /// <summary>The cost of a hash; null: it is none, and no password fits it.</summary>
    public static int? CostOf(byte[] hash) =>
        Encoding.ASCII.GetString(hash) is var text && BcryptHash().IsMatch(text)
            ? int.Parse(text.AsSpan(CostAt, CostDigits), CultureInfo.InvariantCulture)
            : null;

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    /// <summary>Compares what follows the salt: the package writes an unusual salt in another way, which Go takes as it is.</summary>
    private static bool Verify(string password, string hash) =>
        BcryptHash().IsMatch(hash)
        && CryptographicOperations.FixedTimeEquals(Digest(BCrypt.Net.BCrypt.HashPassword(password, "$2a" + hash[3..SettingCharacters])), Digest(hash));

    private static byte[] Digest(string hash) => Encoding.ASCII.GetBytes(hash[SettingCharacters..]);

    /// <summary>What etcd can store. The letter names the program that made it; all of them mean the same, as in Go.</summary>
    [GeneratedRegex(@"^\$2.\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex BcryptHash();

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
