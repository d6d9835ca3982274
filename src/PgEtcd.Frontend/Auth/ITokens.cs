using Grpc.Core;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Frontend.Auth;

/// <summary>What clients show after they have logged in (--auth-token).</summary>
public interface ITokens : IAsyncDisposable
{
    /// <summary>Whose token it is.</summary>
    /// <param name="token">As the client shows it.</param>
    /// <param name="state">Users and passwords.</param>
    /// <returns>Null when it is good for nothing.</returns>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    ValueTask<Credential?> ResolveAsync(string token, AuthState state);

    /// <summary>Makes a token for a user whose password was right.</summary>
    /// <returns>Null when users or passwords have changed since: ask again.</returns>
    /// <exception cref="RpcException">This server makes none.</exception>
    Task<string?> IssueAsync(string username, AuthState state);
}

/// <summary>What a token says.</summary>
/// <param name="Username">Whose it is.</param>
/// <param name="ShownRevision">etcd's auth revision in it; beyond all if it does not age with changes.</param>
public readonly record struct Credential(string Username, long ShownRevision);

/// <summary>--auth-token is empty: no user can log in.</summary>
internal sealed class NoTokens : ITokens
{
    public ValueTask<Credential?> ResolveAsync(string token, AuthState state) => default;

    public Task<string?> IssueAsync(string username, AuthState state) => throw Protocol.EtcdErrors.AuthFailed.ToException();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
