using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Auth;

/// <summary>Hashes and checks passwords, a few at a time on other threads, since bcrypt is slow by design.</summary>
/// <remarks>The hashes are etcd's, so users are imported and exported with their passwords (decision 15).</remarks>
/// <param name="cost">--bcrypt-cost.</param>
public sealed partial class Passwords(int cost)
{
    private const int MostBytes = 72;
    private const int MostWaitingOfAddress = 250;
    private const int MostRemembered = 10_000;
    private const int SecretBytes = 32;

    /// <summary>Characters of a hash that hold its bcrypt revision, cost and salt.</summary>
    private const int SettingCharacters = 29;

    private const int CostAt = 4;
    private const int CostDigits = 2;
    private const int SaltAndDigest = 53;

    private readonly FairTurns _turns = new(Math.Max(1, Environment.ProcessorCount / 2), MostWaitingOfAddress);
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(SecretBytes);
    private readonly ConcurrentDictionary<string, bool> _right = new();

    /// <summary>Refuses a password that bcrypt cannot hash.</summary>
    /// <exception cref="RpcException">The password is too long.</exception>
    public static void CheckLength(string password)
    {
        if (Encoding.UTF8.GetByteCount(password) > MostBytes)
        {
            throw EtcdErrors.PasswordTooLong.ToException();
        }
    }

    /// <summary>Hashes a password.</summary>
    /// <exception cref="RpcException">Too many callers wait.</exception>
    public async Task<byte[]> HashAsync(string password) =>
        await RunAsync("", () => Encoding.ASCII.GetBytes(BCrypt.Net.BCrypt.HashPassword(password, cost)))
            ?? throw EtcdErrors.RequestTooManyRequests.ToException();

    /// <summary>Whether a password is right.</summary>
    /// <remarks>A correct password is remembered, as a keyed hash, so ten thousand clients of one user run bcrypt once.</remarks>
    /// <param name="hash">The user's hash.</param>
    /// <param name="password">The password in the request.</param>
    /// <param name="address">The client's address; addresses take turns.</param>
    /// <param name="mayBegin">Called when it is the client's turn, before the work; false skips the work.</param>
    /// <returns>Null if nothing was checked: too many wait at that address, or <paramref name="mayBegin"/> returned false.</returns>
    public async Task<bool?> VerifyAsync(byte[] hash, string password, string address = "", Func<bool>? mayBegin = null)
    {
        string mark = Mark(hash, password);
        if (_right.ContainsKey(mark))
        {
            return true;
        }

        bool? isRight = await CheckAsync(Encoding.ASCII.GetString(hash), password, address, mayBegin);
        if (isRight == true)
        {
            if (_right.Count >= MostRemembered)
            {
                _right.Clear();
            }

            _right[mark] = true;
        }

        return isRight;
    }

    /// <summary>Takes as long as <see cref="VerifyAsync"/>, for a user that does not exist or has no hash.</summary>
    /// <param name="userCost">The cost of an existing hash; null for --bcrypt-cost.</param>
    /// <param name="password">The password in the request.</param>
    /// <param name="address">The client's address.</param>
    /// <param name="mayBegin">As for <see cref="VerifyAsync"/>.</param>
    /// <returns>False, or null as for <see cref="VerifyAsync"/>.</returns>
    public async Task<bool?> SpendAsync(int? userCost, string password, string address = "", Func<bool>? mayBegin = null) =>
        await CheckAsync($"$2a${userCost ?? cost:00}${new string('.', SaltAndDigest)}", password, address, mayBegin) is null ? null : false;

    /// <summary>The cost of a hash; null if the bytes are not a hash, so that no password matches them.</summary>
    public static int? CostOf(byte[] hash) =>
        Encoding.ASCII.GetString(hash) is var text && BcryptHash().IsMatch(text)
            ? int.Parse(text.AsSpan(CostAt, CostDigits), CultureInfo.InvariantCulture)
            : null;

    /// <summary>Compares the part after the salt: the package rewrites an unusual salt, which Go uses as it is.</summary>
    private static bool Verify(string password, string hash) =>
        BcryptHash().IsMatch(hash)
        && CryptographicOperations.FixedTimeEquals(
            Digest(BCrypt.Net.BCrypt.HashPassword(password, "$2a" + hash[3..SettingCharacters])), Digest(hash));

    private static byte[] Digest(string hash) => Encoding.ASCII.GetBytes(hash[SettingCharacters..]);

    /// <summary>The hashes that etcd can store. The letter names the hashing program and means nothing, as in Go.</summary>
    [GeneratedRegex(@"^\$2.\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex BcryptHash();

    private string Mark(byte[] hash, string password) =>
        Convert.ToBase64String(HMACSHA256.HashData(_secret, (byte[])[.. hash, 0, .. Encoding.UTF8.GetBytes(password)]));

    private Task<bool?> CheckAsync(string hash, string password, string address, Func<bool>? mayBegin) =>
        RunAsync<bool?>(address, () => mayBegin?.Invoke() == false ? null : Verify(password, hash));

    /// <summary>Does expensive work when the address has a turn; null if too many of that address wait.</summary>
    private async Task<T?> RunAsync<T>(string address, Func<T> work)
    {
        if (!await _turns.EnterAsync(address))
        {
            return default;
        }

        try
        {
            return await Task.Run(work);
        }
        finally
        {
            _turns.Leave();
        }
    }
}
