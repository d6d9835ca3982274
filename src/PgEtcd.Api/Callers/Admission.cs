using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Callers;

/// <summary>Finds out who makes a call. While auth is off this looks at nothing.</summary>
/// <remarks>An acknowledged change binds on every frontend (decision 15). So what is not decided by an append, which is
/// conditional on the auth revision, is decided behind the read barrier, which brings that revision.</remarks>
internal sealed class Admission(AuthStates states, Tail tail, ITokens tokens, bool trustsCertificates) : ICallers
{
    /// <summary>How often a write is tried while users, roles and permissions keep changing under it.</summary>
    private const int MostTries = 5;

    private const string BearerPrefix = "Bearer ";

    /// <summary>Whether the name in a client's certificate is its user.</summary>
    public bool TrustsCertificates => trustsCertificates;

    /// <summary>Whether calls are checked, as far as this frontend knows.</summary>
    public bool IsOn => states.Current.IsEnabled;

    /// <inheritdoc/>
    public Caller Anybody => states.Current.Anybody;

    /// <summary>Who makes a call that an append will decide, as far as this frontend knows.</summary>
    /// <exception cref="RpcException">It shows a token that is good for nothing.</exception>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public ValueTask<Caller> AdmitAsync(ServerCallContext context)
    {
        AuthState state = states.Current;
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
        await tail.CatchUpAsync();
        return states.Current;
    }

    /// <summary>Any user will do; while auth is off, anybody, and nothing is waited for.</summary>
    /// <exception cref="RpcException">There is none.</exception>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public async ValueTask<Caller> AdmitUserAsync(ServerCallContext context)
    {
        Caller caller = IsOn ? await AdmitFreshAsync(context) : Anybody;
        caller.CheckUser().ThrowIfAny();
        return caller;
    }

    /// <summary>Writes for a caller. Whether the caller may is decided where the write is evaluated; if users, roles or permissions have
    /// changed until then, the caller is identified again.</summary>
    /// <param name="state">Passed to <paramref name="write"/>, so that it captures nothing.</param>
    /// <param name="context">The call.</param>
    /// <param name="write">Writes.</param>
    public async ValueTask<WriteAnswer> WriteAsync<TState>(TState state, ServerCallContext context, Func<TState, Origin, Task<WriteAnswer>> write)
    {
        WriteAnswer answer = await write(state, new Origin(await AdmitAsync(context), context.Peer));
        for (int tries = 1; answer.Error == Mvcc.KvError.AuthMoved && tries < MostTries; tries++)
        {
            answer = await write(state, new Origin(await AdmitFreshAsync(context), context.Peer));
        }

        return answer;
    }

    private async ValueTask<Caller> IdentifyAsync(ServerCallContext context, AuthState state, bool isFresh)
    {
        if (TokenOf(context) is { } token)
        {
            return await tokens.ResolveAsync(token, state) is { } credential ? new Caller(state, credential.Username, credential.ShownRevision)
                : isFresh ? throw EtcdErrors.InvalidAuthToken.ToException()
                : await AdmitFreshAsync(context); // its user may have been added a moment ago
        }

        return trustsCertificates && CertificateNames.Of(context) is { } name ? new Caller(state, name, long.MaxValue) : state.Anybody;
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
