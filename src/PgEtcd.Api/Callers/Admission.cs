using Grpc.Core;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Callers;

/// <summary>Finds out who makes a call. While auth is off this looks at nothing.</summary>
/// <remarks>An acknowledged change binds on every frontend (decision 15). So what is not decided by an append, which is
/// conditional on the auth revision, is decided behind the read barrier, which brings that revision.</remarks>
public sealed class Admission : ICallers
{
    /// <summary>How often a write is tried while users, roles and permissions keep changing under it.</summary>
    internal const int MostTries = 5;

    private const string BearerPrefix = "Bearer ";

    private readonly AuthStates _states;
    private readonly Tail _tail;
    private readonly ITokens _tokens;
    private readonly bool _trustsCertificates;

    /// <param name="states">Users, roles and permissions.</param>
    /// <param name="tail">The read barrier.</param>
    /// <param name="tokens">What clients show.</param>
    /// <param name="trustsCertificates">Whether the name in a client's certificate is its user.</param>
    public Admission(AuthStates states, Tail tail, ITokens tokens, bool trustsCertificates)
    {
        _states = states;
        _tail = tail;
        _tokens = tokens;
        _trustsCertificates = trustsCertificates;
    }

    /// <summary>Whether calls are checked, as far as this frontend knows.</summary>
    public bool IsOn => _states.Current.IsEnabled;

    /// <inheritdoc/>
    public Caller Anybody => _states.Current.Anybody;

    /// <inheritdoc/>
    public bool IsStale => !_tail.IsFresh;

    /// <summary>Whether a call that no append decides must be checked: auth is on, or may have been switched on.</summary>
    public bool MayBeOn => IsOn || IsStale;

    /// <summary>Who makes a call that an append will decide, as far as this frontend knows.</summary>
    /// <exception cref="RpcException">It shows a token that is good for nothing.</exception>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public ValueTask<Caller> AdmitAsync(ServerCallContext context)
    {
        AuthState state = _states.Current;
        return state.IsEnabled ? IdentifyAsync(context, state, isFresh: false) : new(state.Anybody);
    }

    /// <summary>Who makes a call, by all that was acknowledged before it came. The replica is caught up then, too.</summary>
    /// <inheritdoc cref="AdmitAsync"/>
    public async ValueTask<Caller> AdmitFreshAsync(ServerCallContext context)
    {
        AuthState state = await FreshStateAsync();
        return state.IsEnabled ? await IdentifyAsync(context, state, isFresh: true) : state.Anybody;
    }

    /// <summary>Users, roles and permissions, by all that was acknowledged before.</summary>
    public async ValueTask<AuthState> FreshStateAsync()
    {
        await _tail.CatchUpAsync();
        return _states.Current;
    }

    /// <summary>Any user will do; while auth is off, anybody, and nothing is waited for.</summary>
    /// <exception cref="RpcException">There is none.</exception>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public async ValueTask<Caller> AdmitUserAsync(ServerCallContext context)
    {
        Caller caller = MayBeOn ? await AdmitFreshAsync(context) : Anybody;
        return caller.CheckUser() == Mvcc.KvError.None ? caller : throw EtcdErrors.UserEmpty.ToException();
    }

    private async ValueTask<Caller> IdentifyAsync(ServerCallContext context, AuthState state, bool isFresh)
    {
        if (TokenOf(context) is { } token)
        {
            return await _tokens.ResolveAsync(token, state) is { } credential ? new Caller(state, credential.Username, credential.ShownRevision)
                : isFresh ? throw EtcdErrors.InvalidAuthToken.ToException()
                : await AdmitFreshAsync(context); // its user may have been added a moment ago
        }

        return _trustsCertificates && CertificateNames.Of(context) is { } name ? new Caller(state, name, long.MaxValue) : state.Anybody;
    }

    /// <summary>etcd's places, in its order; the first value counts.</summary>
    private static string? TokenOf(ServerCallContext context)
    {
        string? token = First(context.RequestHeaders, "token") ?? First(context.RequestHeaders, "authorization");
        return token?.StartsWith(BearerPrefix, StringComparison.Ordinal) == true ? token[BearerPrefix.Length..] : token;
    }

    private static string? First(Metadata headers, string key)
    {
        foreach (Metadata.Entry entry in headers)
        {
            if (entry.Key == key)
            {
                return entry.Value;
            }
        }

        return null;
    }
}
