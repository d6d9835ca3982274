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
    private volatile UserCosts? _costs;

    /// <summary>Puts it together.</summary>
    /// <param name="catchUp">Waits until this frontend knows all that was committed.</param>
    public FrontendAuth(
        AuthStates states, AuthTable table, TokenTable tokens, Func<Task> catchUp, Database database, string frontend, AuthOptions options,
        TimeSpan timeLimit, ILoggerFactory loggers)
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

    /// <summary>Gives a token for a user's password, within the limits that hold for every login.</summary>
    /// <param name="name">The user.</param>
    /// <param name="password">The password.</param>
    /// <param name="peer">The client's address.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<LoginAnswer> LogInAsync(string name, string password, string peer)
    {
        while (true)
        {
            await _catchUp();
            AuthState state = States.Current;
            LoginFailure failure = state.IsEnabled ? await CheckAsync(state, name, password, peer) : LoginFailure.AuthIsOff;
            if (failure != LoginFailure.None)
            {
                return new LoginAnswer(null, failure);
            }

            if (await Tokens.IssueAsync(name, state) is { } token)
            {
                return new LoginAnswer(token, LoginFailure.None);
            }
        }
    }

    /// <summary>Makes a change, of which this frontend knows when it is made.</summary>
    /// <param name="caller">The caller that wants it, and the auth revision at which it was decided.</param>
    /// <param name="client">From where.</param>
    /// <param name="edit">What.</param>
    /// <returns>False, and nothing is changed, when something else has changed since.</returns>
    public async Task<bool> ChangeAsync(Caller caller, string client, AuthEdit edit)
    {
        AuthChange change = new(caller.Revision, edit)
        {
            Username = caller.Username,
            Client = client,
            Frontend = _frontend,
        };
        bool isMade = await _database.InTimeAsync(_timeLimit, cancel => _table.ChangeAsync(change, cancel));
        await _catchUp();
        return isMade;
    }

    private async Task<LoginFailure> CheckAsync(AuthState state, string name, string password, string peer)
    {
        using IDisposable? turn = await Logins.EnterAsync(name, peer);
        if (turn is null)
        {
            return LoginFailure.TooMany;
        }

        LoginFailure failure = state.User(name)?.Record is { HasNoPassword: true } ? LoginFailure.HasNoPassword
            : await IsRightAsync(state, name, password, peer) switch
            {
                true => LoginFailure.None,
                false => LoginFailure.Wrong,
                null => LoginFailure.TooMany,
            };
        if (failure == LoginFailure.TooMany)
        {
            Logins.Refused(name, peer);
        }
        else if (failure != LoginFailure.None)
        {
            Logins.Failed(name, peer);
        }

        return failure;
    }

    /// <summary>How long a wrong password takes does not tell whether there is the user. Null: it was not looked at.</summary>
    private async Task<bool?> IsRightAsync(AuthState state, string name, string password, string peer)
    {
        UserCosts costs = _costs is { } known && known.State == state ? known : _costs = new UserCosts(state);
        string address = PeerAddress.Of(peer);
        if (state.User(name) is { Record.Password: var hash } && Passwords.CostOf(hash) is not null)
        {
            return await Passwords.VerifyAsync(hash, password, address, MayBegin);
        }

        return await Passwords.SpendAsync(costs.Like(name), password, address, MayBegin);

        bool MayBegin() => Logins.MayGuess(peer);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Tokens.DisposeAsync();
        await Logins.DisposeAsync();
    }
}

/// <summary>The answer to a login.</summary>
/// <param name="Token">What the client shows from now on; null: the login failed.</param>
/// <param name="Failure">Why.</param>
public readonly record struct LoginAnswer(string? Token, LoginFailure Failure);

/// <summary>Why a login failed.</summary>
public enum LoginFailure
{
    /// <summary>It did not.</summary>
    None,

    /// <summary>Requests are not checked.</summary>
    AuthIsOff,

    /// <summary>Too many passwords were wrong lately, or wait to be looked at, from that address.</summary>
    TooMany,

    /// <summary>The user is known by its certificate only.</summary>
    HasNoPassword,

    /// <summary>No such user, or another password.</summary>
    Wrong,
}
