using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Callers;

/// <summary>Identifies the caller of a call. While auth is off, credentials are ignored.</summary>
/// <remarks>An acknowledged change of auth is binding on every frontend (decision 15). An append is conditional on the auth revision;
/// everything that no append decides is decided behind the read barrier, which brings that revision.</remarks>
internal sealed class Admission(AuthStates states, Tail tail, ITokens tokens, bool trustsCertificates) : ICallers
{
    /// <summary>Most attempts at a write while users, roles and permissions keep changing.</summary>
    private const int MostTries = 5;

    private const string BearerPrefix = "Bearer ";

    /// <summary>Whether a client's certificate names its user.</summary>
    public bool TrustsCertificates => trustsCertificates;

    /// <summary>Whether calls are checked, as far as this frontend knows.</summary>
    public bool IsOn => states.Current.IsEnabled;

    /// <inheritdoc/>
    public Caller Anybody => states.Current.Anybody;

    /// <inheritdoc/>
    public bool IsStale => !tail.IsFresh;

    /// <summary>Whether a call that no append decides must be checked: auth is on, or may have been switched on.</summary>
    public bool MayBeOn => IsOn || IsStale;

    /// <summary>The caller of a call that an append will decide, as far as this frontend knows.</summary>
    /// <exception cref="RpcException">The caller's token is not valid.</exception>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public ValueTask<Caller> AdmitAsync(ServerCallContext context)
    {
        AuthState state = states.Current;
        return state.IsEnabled ? IdentifyAsync(context, state, isFresh: false) : new(state.Anybody);
    }

    /// <summary>The caller, according to all changes acknowledged before the call. The replica is caught up afterwards.</summary>
    /// <inheritdoc cref="AdmitAsync"/>
    public async ValueTask<Caller> AdmitFreshAsync(ServerCallContext context)
    {
        await tail.CatchUpAsync();
        AuthState state = states.Current;
        return state.IsEnabled ? await IdentifyAsync(context, state, isFresh: true) : state.Anybody;
    }

    /// <summary>The caller, which must be a user while auth is on. While auth is known to be off, there is no wait.</summary>
    /// <exception cref="RpcException">The caller is not a user.</exception>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public async ValueTask<Caller> AdmitUserAsync(ServerCallContext context)
    {
        Caller caller = MayBeOn ? await AdmitFreshAsync(context) : Anybody;
        caller.CheckUser().ThrowIfAny();
        return caller;
    }

    /// <summary>Writes for a caller, whose permission is checked where the write is evaluated. If users, roles or permissions have changed
    /// by then, the caller is identified again.</summary>
    /// <param name="state">Passed to <paramref name="write"/>, so that it captures nothing.</param>
    /// <param name="context">The call.</param>
    /// <param name="write">Writes.</param>
    public async ValueTask<WriteAnswer> WriteAsync<TState>(
        TState state, ServerCallContext context, Func<TState, Origin, Task<WriteAnswer>> write)
    {
        WriteAnswer answer = await write(state, new Origin(await AdmitAsync(context), context.Peer));
        for (int tries = 1; answer.Retry == WriteRetry.AuthMoved && tries < MostTries; tries++)
        {
            answer = await write(state, new Origin(await AdmitFreshAsync(context), context.Peer));
        }

        return answer;
    }

    private async ValueTask<Caller> IdentifyAsync(ServerCallContext context, AuthState state, bool isFresh)
    {
        if (TokenOf(context) is { } token)
        {
            return await tokens.ResolveAsync(token, state) is { } credential
                ? new Caller(state, credential.Username, credential.ShownRevision)
                : isFresh ? throw EtcdErrors.InvalidAuthToken.ToException()
                : await AdmitFreshAsync(context); // the user may have been added a moment ago
        }

        return trustsCertificates && CertificateNames.Of(context) is { } name ? new Caller(state, name, long.MaxValue) : state.Anybody;
    }

    /// <summary>The token from the headers that etcd reads, in etcd's order. The first value counts.</summary>
    private static string? TokenOf(ServerCallContext context)
    {
        string? token = First(context.RequestHeaders, "token") ?? First(context.RequestHeaders, "authorization");
        return token?.StartsWith(BearerPrefix, StringComparison.Ordinal) == true ? token[BearerPrefix.Length..] : token;
    }

    private static string? First(Metadata headers, string key) => headers.GetAll(key).FirstOrDefault()?.Value;
}
