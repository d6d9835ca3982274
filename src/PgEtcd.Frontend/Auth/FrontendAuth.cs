using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Auth;

/// <summary>Everything about users that a frontend has, put together.</summary>
public sealed class FrontendAuth : IAsyncDisposable
{
    private readonly AuthTable _table;
    private readonly Func<Task> _catchUp;
    private readonly Database _database;
    private readonly string _frontend;
    private readonly TimeSpan _timeLimit;

    /// <summary>Puts it together.</summary>
    /// <param name="catchUp">Waits until this frontend knows all that was committed.</param>
    public FrontendAuth(
        AuthStates states, AuthTable table, TokenTable tokens, Func<Task> catchUp, Database database, string frontend, AuthOptions options, TimeSpan timeLimit,
        ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger<FrontendAuth>();
        _table = table;
        _catchUp = catchUp;
        _database = database;
        _frontend = frontend;
        _timeLimit = timeLimit;
        States = states;
        Tokens = !options.HasTokens ? new NoTokens()
            : options.WebTokens is { } web ? new WebTokens(web, TimeProvider.System)
            : new SimpleTokens(tokens, database, timeLimit, options.TokenTtl, TimeProvider.System, logger);
        Passwords = new Passwords(options.BcryptCost);
        Logins = new Logins(tokens, frontend, logger);
    }

    /// <summary>Users, roles and permissions.</summary>
    public AuthStates States { get; }

    public ITokens Tokens { get; }

    public Passwords Passwords { get; }

    public Logins Logins { get; }

    /// <summary>Makes a change, of which this frontend knows when it is made.</summary>
    /// <param name="caller">Who wants it, and the auth revision at which it was decided.</param>
    /// <param name="client">From where.</param>
    /// <param name="decision">What.</param>
    /// <returns>False, and nothing is changed, when something else has changed since.</returns>
    public async Task<bool> ChangeAsync(Caller caller, string client, AuthDecision decision)
    {
        AuthChange change = new(caller.Revision, decision.Action, decision.Subject, decision.Edits)
        {
            ShownStep = decision.ShownStep,
            Username = caller.Username,
            Client = client,
            Frontend = _frontend,
        };
        bool isMade = await _database.InTimeAsync(_timeLimit, cancel => _table.ChangeAsync(change, cancel));
        await _catchUp();
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
