using System.Threading.Channels;
using System.Threading.RateLimiting;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Auth;

/// <summary>Failed logins: bounds them, and writes them down.</summary>
/// <remarks>A failure takes a permit of its user and address, and one of its address; without them, logins are refused unread. Right
/// passwords take none, and guesses from one address lock no user out at another.</remarks>
public sealed class Logins : IAsyncDisposable
{
    private const int Burst = 30;
    private const int BurstOfAddress = 300;
    private const int PerSecondOfAddress = 10;
    private const int MostWaiting = 1000;
    private const int AtOnce = 2;
    private const int MostQueued = 10_000;
    private static readonly TimeSpan Refill = TimeSpan.FromSeconds(1);
    /// <summary>Failures of this time are written in one statement: guesses must not keep the database busy.</summary>
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(500);

    private readonly PartitionedRateLimiter<(string User, string Address)> _limits =
        PartitionedRateLimiter.Create<(string User, string Address), (string User, string Address)>(
            static who => RateLimitPartition.GetTokenBucketLimiter(who, static _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = Burst,
                TokensPerPeriod = 1,
                ReplenishmentPeriod = Refill,
                QueueLimit = 0,
            }));

    // Over all names: guessing at invented ones costs as much as guessing at a user's.
    private readonly PartitionedRateLimiter<string> _addresses =
        PartitionedRateLimiter.Create<string, string>(
            static address => RateLimitPartition.GetTokenBucketLimiter(address, static _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = BurstOfAddress,
                TokensPerPeriod = PerSecondOfAddress,
                ReplenishmentPeriod = Refill,
                QueueLimit = 0,
            }));

    // So that simultaneous logins take their permits one after the other.
    private readonly PartitionedRateLimiter<(string User, string Address)> _turns =
        PartitionedRateLimiter.Create<(string User, string Address), (string User, string Address)>(
            static who => RateLimitPartition.GetConcurrencyLimiter(
                who, static _ => new ConcurrencyLimiterOptions { PermitLimit = AtOnce, QueueLimit = MostQueued }));

    // When more fail than can be written, the oldest are not.
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

    /// <summary>Waits for the turn to say a password.</summary>
    /// <returns>To be disposed of when the password was looked at; null: too many were wrong.</returns>
    public async ValueTask<IDisposable?> EnterAsync(string user, string peer)
    {
        string address = PeerAddress.Of(peer);
        RateLimitLease turn = await _turns.AcquireAsync((user, address));
        // Asking for none would be granted as long as there is a part of one.
        if (turn.IsAcquired && _limits.GetStatistics((user, address))?.CurrentAvailablePermits >= 1)
        {
            return turn;
        }

        turn.Dispose();
        return null;
    }

    /// <summary>Whether a password from an address may still be looked at, when that costs something.</summary>
    public bool MayGuess(string peer) => _addresses.GetStatistics(PeerAddress.Of(peer))?.CurrentAvailablePermits >= 1;

    /// <summary>A password was not looked at. It counts as a guess at its user nonetheless: what is refused and what is right differ,
    /// so refusals would else tell without end what is wrong.</summary>
    public void Refused(string user, string peer) => _limits.AttemptAcquire((user, PeerAddress.Of(peer))).Dispose();

    /// <summary>A password was wrong.</summary>
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

    private static string Storable(string user)
    {
        const int Most = 200;
        string text = user.Replace('\0', '?');
        return text.Length <= Most ? text : text[..Most];
    }

    /// <summary>Until there will be no more.</summary>
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
