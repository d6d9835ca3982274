using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Store;

namespace PgEtcd.Server.Auth;

/// <summary>Everything about users that a frontend has, put together.</summary>
public sealed class FrontendAuth : IAsyncDisposable
{
    private readonly AuthTable _table;
    private readonly Tail _tail;
    private readonly Database _database;
    private readonly string _frontend;
    private readonly TimeSpan _timeLimit;

    internal FrontendAuth(
        AuthStates states, AuthTable table, TokenTable tokens, Tail tail, Database database, string frontend, ServerOptions options, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger<FrontendAuth>();
        if (!Bcrypt.IsAvailable)
        {
            Hosting.Log.NoBcrypt(logger);
        }

        _table = table;
        _tail = tail;
        _database = database;
        _frontend = frontend;
        _timeLimit = options.RequestTimeout;
        States = states;
        Tokens = !options.Auth.HasTokens ? new NoTokens()
            : options.Auth.WebTokens is { } web ? new WebTokens(web, TimeProvider.System)
            : new SimpleTokens(tokens, database, options.RequestTimeout, options.Auth.TokenTtl, TimeProvider.System, logger);
        Passwords = new Passwords(options.Auth.BcryptCost);
        Logins = new Logins(tokens, frontend, logger);
        Admission = new Admission(states, tail, Tokens, options.Auth.TrustsCertificates);
    }

    /// <summary>Who makes a call.</summary>
    public Admission Admission { get; }

    /// <summary>Users, roles and permissions.</summary>
    public AuthStates States { get; }

    internal ITokens Tokens { get; }

    internal Passwords Passwords { get; }

    internal Logins Logins { get; }

    /// <summary>Makes a change, of which this frontend knows when it is made.</summary>
    /// <param name="caller">Who wants it, and the auth revision at which it was decided.</param>
    /// <param name="client">From where.</param>
    /// <param name="decision">What.</param>
    /// <returns>False, and nothing is changed, when something else has changed since.</returns>
    internal async Task<bool> ChangeAsync(Caller caller, string client, AuthDecision decision)
    {
        AuthChange change = new(caller.Revision, decision.Action, decision.Subject, decision.Edits)
        {
            ShownStep = decision.ShownStep,
            Username = caller.Username,
            Client = client,
            Frontend = _frontend,
        };
        bool isMade = await _database.InTimeAsync(_timeLimit, cancel => _table.ChangeAsync(change, cancel));
        await _tail.CatchUpAsync();
        return isMade;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Tokens.DisposeAsync();
        await Logins.DisposeAsync();
        Passwords.Dispose();
    }
}
