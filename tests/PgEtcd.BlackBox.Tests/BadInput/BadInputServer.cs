using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>A server for requests that must change nothing, with the check that they are harmless.</summary>
public sealed class BadInputServer : IAsyncLifetime
{
    /// <summary>The compaction mark.</summary>
    public const long Compacted = 4;

    private PgEtcdServer? _server;

    public string Database { get; private set; } = "";

    public PgEtcdServer Server => _server ?? throw new InvalidOperationException("Not started.");

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        Database = await postgres.CreateStoreAsync();
        _server = await PgEtcdServer.StartAsync(Database);
        await using Kv kv = new(_server);
        for (int i = 0; i < 5; i++)
        {
            await kv.PutAsync("a", $"{i}");
        }

        await kv.CompactAsync(Compacted);
    }

    /// <summary>Expects an error, that nothing has changed, and that the same connection still works.</summary>
    internal async Task<Status> RefusesAsync(Func<Kv, Task> call)
    {
        await using Kv kv = new(Server);
        string probe = Guid.NewGuid().ToString();
        long before = await kv.PutAsync(probe);
        Status status = (await Should.ThrowAsync<RpcException>(() => call(kv))).Status;
        (await kv.PutAsync(probe)).ShouldBe(before + 1, "the refused request changed nothing");
        // The log names the client's address and port; another port would be another connection.
        (await Sql.ExecuteAsync(Database, $"select count(distinct client) from pgetcd.revisions where key = '{probe}'"))
            .ShouldBe(1L, "the connection stays open");
        Server.Complaints.ShouldBeEmpty();
        return status;
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
