using PgEtcd.Frontend.Permissions;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Auth;

/// <summary>A frontend's users, tokens, passwords and logins.</summary>
/// <param name="states">Users, roles and permissions.</param>
/// <param name="table">Takes changes of them.</param>
/// <param name="tokens">Holds simple tokens and failed logins.</param>
/// <param name="catchUp">Waits until this frontend knows everything that was committed before the call.</param>
/// <param name="database">The database of the tables.</param>
/// <param name="frontend">This frontend's name in the audit.</param>
/// <param name="options">How users log in.</param>
/// <param name="timeLimit">How long the database may take.</param>
/// <param name="logger">Where to log.</param>
public sealed class FrontendAuth(
    AuthStates states, AuthTable table, TokenTable tokens, Func<Task> catchUp, Database database, string frontend, AuthOptions options,
    TimeSpan timeLimit, ILogger<FrontendAuth> logger) : IAsyncDisposable
{
    private volatile UserCosts? _costs;

    /// <summary>Users, roles and permissions.</summary>
    public AuthStates States { get; } = states;

    public ITokens Tokens { get; } = !options.HasTokens ? new NoTokens()
        : options.WebTokens is { } web ? new WebTokens(web, TimeProvider.System)
        : new SimpleTokens(tokens, database, timeLimit, options.TokenTtl, TimeProvider.System, logger);

    public Passwords Passwords { get; } = new(options.BcryptCost);

    public Logins Logins { get; } = new(tokens, frontend, logger);

    /// <summary>Issues a token for a user's password, within the limits of logins.</summary>
    /// <param name="name">The user.</param>
    /// <param name="password">The password.</param>
    /// <param name="peer">The client's address.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<LoginAnswer> LogInAsync(string name, string password, string peer)
    {
        while (true)
        {
            await catchUp();
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

    /// <summary>Makes a change, which this frontend knows of when the method returns.</summary>
    /// <param name="caller">The caller, with the auth revision at which the change was decided.</param>
    /// <param name="client">The client's address.</param>
    /// <param name="edit">The change.</param>
    /// <returns>False if auth has changed since that revision: nothing was changed.</returns>
    public async Task<bool> ChangeAsync(Caller caller, string client, AuthEdit edit)
    {
        AuthChange change = new(caller.Revision, edit)
        {
            Username = caller.Username,
            Client = client,
            Frontend = frontend,
        };
        bool isMade = await database.InTimeAsync(timeLimit, cancel => table.ChangeAsync(change, cancel));
        await catchUp();
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

    /// <summary>Takes as long for an unknown user as for a wrong password, so the time does not reveal which users exist. Null if the
    /// password was not checked.</summary>
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
/// <param name="Token">The token for later requests; null if the login failed.</param>
/// <param name="Failure">The reason of the failure.</param>
public readonly record struct LoginAnswer(string? Token, LoginFailure Failure);

/// <summary>Why a login failed.</summary>
public enum LoginFailure
{
    /// <summary>The login succeeded.</summary>
    None,

    /// <summary>Authentication is off.</summary>
    AuthIsOff,

    /// <summary>Too many passwords from that address were wrong recently, or wait to be checked.</summary>
    TooMany,

    /// <summary>The user authenticates by certificate only.</summary>
    HasNoPassword,

    /// <summary>The user does not exist, or the password is wrong.</summary>
    Wrong,
}
