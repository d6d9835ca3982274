using System.Threading.Channels;
using System.Threading.RateLimiting;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Auth;

/// <summary>Limits failed logins, and records them.</summary>
/// <remarks>A failure takes one permit of the user at the address, and one of the address. Without permits, logins are refused unchecked.
/// Correct passwords take none, and guesses from one address lock no user out at another.</remarks>
public sealed class Logins : IAsyncDisposable
{
    private const int Burst = 30;
    private const int BurstOfAddress = 300;
    private const int PerSecondOfAddress = 10;
    private const int MostWaiting = 1000;
    private const int AtOnce = 2;
    private const int MostQueued = 10_000;
    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(1);
    /// <summary>Failures are gathered for this time and written in one statement: guesses must not keep the database busy.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(500);

    private readonly PartitionedRateLimiter<(string User, string Address)> _limits = Permits<(string User, string Address)>(Burst, 1);

    // Across all names: a guess at an invented name costs as much as one at a user's.
    private readonly PartitionedRateLimiter<string> _addresses = Permits<string>(BurstOfAddress, PerSecondOfAddress);

    // Two logins of a user and address at a time, so that simultaneous ones cannot all begin before the first failures have taken their
    // permits.
    private readonly PartitionedRateLimiter<(string User, string Address)> _turns =
        PartitionedRateLimiter.Create<(string User, string Address), (string User, string Address)>(
            static who => RateLimitPartition.GetConcurrencyLimiter(
                who, static _ => new ConcurrencyLimiterOptions { PermitLimit = AtOnce, QueueLimit = MostQueued }));

    // If failures arrive faster than they can be written, the oldest are dropped.
    private readonly Channel<FailedLogin> _failures = Channel.CreateBounded<FailedLogin>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest });

    private readonly TokenTable _table;
    private readonly string _frontend;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _writing;

    public Logins(TokenTable table, string frontend, ILogger logger)
    {
        _table = table;
        _frontend = frontend;
        _logger = logger;
        _writing = new BackgroundLoop("noting failed logins", TimeProvider.System, logger).RunAsync(
            TimeSpan.Zero, WriteAsync, _ended.Token, startsAtOnce: true);
    }

    /// <summary>Waits for a turn to have a password checked.</summary>
    /// <returns>The turn, to be disposed of after the check; null if too many passwords were wrong.</returns>
    public async ValueTask<IDisposable?> EnterAsync(string user, string peer)
    {
        string address = PeerAddress.Of(peer);
        RateLimitLease turn = await _turns.AcquireAsync((user, address));
        // Acquiring zero permits would succeed even with only a fraction of one left.
        if (turn.IsAcquired && _limits.GetStatistics((user, address))?.CurrentAvailablePermits >= 1)
        {
            return turn;
        }

        turn.Dispose();
        return null;
    }

    /// <summary>Whether a password from an address may still be checked if the check is expensive.</summary>
    public bool MayGuess(string peer) => _addresses.GetStatistics(PeerAddress.Of(peer))?.CurrentAvailablePermits >= 1;

    /// <summary>Counts a password that was not checked as a guess at its user. A remembered correct password is accepted even then, so
    /// unlimited refusals would reveal which passwords are wrong.</summary>
    public void Refused(string user, string peer) => _limits.AttemptAcquire((user, PeerAddress.Of(peer))).Dispose();

    /// <summary>Counts and records a wrong password.</summary>
    public void Failed(string user, string peer)
    {
        string address = PeerAddress.Of(peer);
        _limits.AttemptAcquire((user, address)).Dispose();
        _addresses.AttemptAcquire(address).Dispose();
        _failures.Writer.TryWrite(new FailedLogin(Storable(user), peer, DateTimeOffset.UtcNow));
    }

    public async ValueTask DisposeAsync()
    {
        _failures.Writer.Complete();
        await _stopping.CancelAsync();
        await _writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _turns.DisposeAsync();
        await _limits.DisposeAsync();
        await _addresses.DisposeAsync();
        _stopping.Dispose();
        _ended.Dispose();
    }

    private static PartitionedRateLimiter<T> Permits<T>(int burst, int perSecond)
        where T : notnull => PartitionedRateLimiter.Create<T, T>(
            who => RateLimitPartition.GetTokenBucketLimiter(who, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = burst,
                TokensPerPeriod = perSecond,
                ReplenishmentPeriod = Refill,
                QueueLimit = 0,
            }));

    private static string Storable(string user)
    {
        const int Most = 200;
        string text = user.Replace('\0', '?');
        return text.Length <= Most ? text : text[..Most];
    }

    /// <summary>Writes failures until no more can come.</summary>
    private async Task WriteAsync(CancellationToken ended)
    {
        while (await _failures.Reader.WaitToReadAsync(ended))
        {
            await Task.Delay(Gathering, _stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            List<FailedLogin> gathered = [];
            while (_failures.Reader.TryRead(out FailedLogin failure))
            {
                gathered.Add(failure);
            }

            try
            {
                await _table.NoteFailuresAsync(gathered, _frontend, CancellationToken.None);
            }
            catch (Exception exception) when (exception is Npgsql.NpgsqlException || DatabaseErrors.IsTransient(exception))
            {
                Log.AuthNotesLost(_logger, gathered.Count, exception.GetBaseException().Message);
            }
        }

        await _ended.CancelAsync();
    }
}
