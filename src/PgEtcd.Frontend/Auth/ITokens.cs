using Grpc.Core;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Frontend.Auth;

/// <summary>The tokens that clients present after a login (--auth-token).</summary>
public interface ITokens : IAsyncDisposable
{
    /// <summary>Finds the user of a token.</summary>
    /// <param name="token">The token as the client presents it.</param>
    /// <param name="state">Users and passwords.</param>
    /// <returns>Null if the token is invalid.</returns>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    ValueTask<Credential?> ResolveAsync(string token, AuthState state);

    /// <summary>Issues a token for a user whose password was correct.</summary>
    /// <returns>Null if auth has changed since <paramref name="state"/>: the password must be checked again.</returns>
    /// <exception cref="RpcException">This server issues no tokens.</exception>
    Task<string?> IssueAsync(string username, AuthState state);
}

/// <summary>The content of a token.</summary>
/// <param name="Username">The user.</param>
/// <param name="ShownRevision">etcd's auth revision in the token; the largest number for a token that changes do not invalidate.</param>
public readonly record struct Credential(string Username, long ShownRevision);

/// <summary>--auth-token is empty: no user can log in.</summary>
internal sealed class NoTokens : ITokens
{
    public ValueTask<Credential?> ResolveAsync(string token, AuthState state) => default;

    public Task<string?> IssueAsync(string username, AuthState state) => throw Protocol.EtcdErrors.AuthFailed.ToException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
