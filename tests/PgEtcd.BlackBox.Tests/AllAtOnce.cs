using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests;

/// <summary>Runs the cases of a theory that mostly wait: all start with the class, and each test awaits its own case.</summary>
public abstract class AllAtOnce(IEnumerable<string> cases) : IAsyncLifetime
{
    private Dictionary<string, Task> _running = [];

    /// <summary>Awaits a case and rethrows its exception.</summary>
    public Task this[string name] => _running[name];

    public virtual async Task InitializeAsync()
    {
        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        _running = cases.ToDictionary(name => name, name => Task.Run(() => RunAsync(postgres, name)));
    }

    public virtual async Task DisposeAsync() => await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    protected abstract Task RunAsync(PostgresFixture postgres, string name);
}
