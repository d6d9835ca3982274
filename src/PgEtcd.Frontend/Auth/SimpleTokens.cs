using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Auth;

/// <summary>Random tokens, kept in a table: each is valid at every frontend, and lives as long as it is used (semantics.md §11).</summary>
/// <remarks>A frontend remembers the tokens that it has seen. Their uses are written ten times per TTL, so a request costs no statement.
/// The <see cref="AuthState"/> shows whether a token was invalidated with its user, by a new password or with all others, so a remembered
/// token cannot outlive them.</remarks>
internal sealed class SimpleTokens : ITokens
{
    private const int Letters = 16;
    private const int MostRemembered = 100_000;
    /// <summary>How often per TTL the tokens in use are renewed, all together.</summary>
    private const int RenewalsPerTtl = 10;

    private readonly TokenTable _table;
    private readonly Database _database;
    private readonly TimeSpan _timeLimit;
    private readonly TimeSpan _ttl;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, Remembered> _remembered = new();

    /// <summary>Each statement looks up the hashes of several tokens.</summary>
    private readonly Rounds<List<byte[]>, Dictionary<string, TokenRecord>> _lookups;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _renewing;

    public SimpleTokens(TokenTable table, Database database, TimeSpan timeLimit, TimeSpan ttl, TimeProvider clock, ILogger logger)
    {
        _table = table;
        _database = database;
        _timeLimit = timeLimit;
        _ttl = ttl;
        _clock = clock;
        _logger = logger;
        _lookups = new Rounds<List<byte[]>, Dictionary<string, TokenRecord>>(() => [], LookUpAsync);
        _renewing = new BackgroundLoop("the renewal of tokens", clock, logger).RunAsync(
            ttl / RenewalsPerTtl, RenewAllAsync, _stopping.Token);
    }

    public ValueTask<Credential?> ResolveAsync(string token, AuthState state)
    {
        long now = _clock.GetTimestamp();
        if (_remembered.TryGetValue(token, out Remembered? known) && _clock.GetElapsedTime(now, known.GoodUntil) > TimeSpan.Zero)
        {
            return new(Use(known, state, now));
        }

        return FindAsync(token, state);
    }

    public async Task<string?> IssueAsync(string username, AuthState state)
    {
        // etcd's form: letters, and a number without a meaning.
        string letters = RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", Letters);
        string token = string.Create(CultureInfo.InvariantCulture, $"{letters}.{state.Revision}");
        byte[] hash = Hash(token);
        if (!await _database.InTimeAsync(_timeLimit, cancel => _table.AddAsync(state.Revision, hash, username, _ttl, cancel)))
        {
            return null;
        }

        Remember(token, new Remembered(hash, username, state.Revision) { GoodUntil = After(_clock.GetTimestamp(), _ttl) });
        return token;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _renewing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stopping.Dispose();
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private async ValueTask<Credential?> FindAsync(string token, AuthState state)
    {
        byte[] hash = Hash(token);
        Dictionary<string, TokenRecord> found = await _lookups.JoinAsync(hashes => hashes.Add(hash));
        if (!found.TryGetValue(Convert.ToHexString(hash), out TokenRecord? record))
        {
            _remembered.TryRemove(token, out _);
            return null;
        }

        long now = _clock.GetTimestamp();
        Remembered known = new(hash, record.Username, record.MadeAt) { GoodUntil = After(now, record.Left) };
        Remember(token, known);
        return Use(known, state, now);
    }

    private Credential? Use(Remembered known, AuthState state, long now)
    {
        if (!state.Honours(known.Username, known.MadeAt))
        {
            return null;
        }

        known.GoodUntil = After(now, _ttl);
        known.LastUsed = now;
        return new Credential(known.Username, long.MaxValue);
    }

    private void Remember(string token, Remembered known)
    {
        if (_remembered.Count >= MostRemembered)
        {
            _remembered.Clear(); // they are looked up again
        }

        _remembered[token] = known;
    }

    private async Task<Dictionary<string, TokenRecord>> LookUpAsync(List<byte[]> hashes)
    {
        IReadOnlyList<TokenRecord> found = await _database.InTimeAsync(_timeLimit, cancel => _table.FindAsync(hashes, cancel));
        return found.ToDictionary(record => Convert.ToHexString(record.Hash));
    }

    private async Task RenewAllAsync(CancellationToken stopping)
    {
        long now = _clock.GetTimestamp();
        foreach ((string token, Remembered known) in _remembered)
        {
            if (_clock.GetElapsedTime(now, known.GoodUntil) < TimeSpan.Zero)
            {
                _remembered.TryRemove(token, out _);
            }
        }

        (string Token, Remembered Known, long LastUsed)[] used = [.. _remembered
            .Select(pair => (pair.Key, pair.Value, pair.Value.LastUsed)).Where(static one => one.LastUsed != one.Value.LastWritten)];
        if (used.Length > 0)
        {
            await RenewAsync(used, now, stopping);
        }
    }

    private async Task RenewAsync((string Token, Remembered Known, long LastUsed)[] used, long now, CancellationToken stopping)
    {
        try
        {
            IReadOnlyList<byte[]> alive = await _table.RenewAsync(
                [.. used.Select(one => one.Known.Hash)],
                [.. used.Select(one => (_ttl - _clock.GetElapsedTime(one.LastUsed, now)).TotalSeconds)],
                stopping);
            HashSet<string> names = [.. alive.Select(Convert.ToHexString)];
            foreach ((string token, Remembered known, long lastUsed) in used)
            {
                known.LastWritten = lastUsed;
                if (!names.Contains(Convert.ToHexString(known.Hash)))
                {
                    _remembered.TryRemove(token, out _);
                }
            }
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception))
        {
            Log.AuthNotesLost(_logger, used.Length, exception.GetBaseException().Message); // the next turn tries them again
        }
    }

    private long After(long timestamp, TimeSpan time) => timestamp + (long)(time.TotalSeconds * _clock.TimestampFrequency);

    /// <summary>A token that this frontend has seen. Of concurrent updates the last wins: they differ by microseconds.</summary>
    private sealed record Remembered(byte[] Hash, string Username, long MadeAt)
    {
        public long GoodUntil { get; set; }

        public long LastUsed { get; set; }

        public long LastWritten { get; set; }
    }
}
