using PgEtcd.Postgres.Auth;

namespace PgEtcd.Frontend.Permissions;

/// <summary>Users, roles and permissions as this frontend knows them. They are loaded before the replica moves to a later auth
/// revision, so they are never older than <c>AuthRevision</c>.</summary>
/// <param name="table">The table that later states are loaded from.</param>
/// <param name="current">The first state.</param>
public sealed class AuthStates(AuthTable table, AuthState current)
{
    private volatile AuthState _current = current;

    /// <summary>The latest state.</summary>
    public AuthState Current => _current;

    /// <summary>Loads the first state.</summary>
    public static async Task<AuthStates> StartAsync(AuthTable table, CancellationToken cancellationToken) =>
        new(table, new AuthState(await table.LoadAsync(cancellationToken)));

    /// <summary>Whether an auth revision is known here.</summary>
    public bool Has(long revision) => revision <= _current.Revision;

    /// <summary>Makes an auth revision known here. Not called concurrently.</summary>
    public async ValueTask EnsureAsync(long revision, CancellationToken cancellationToken)
    {
        if (!Has(revision))
        {
            _current = new AuthState(await table.LoadAsync(cancellationToken));
        }
    }
}
