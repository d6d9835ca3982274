using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.SqlWrites;

/// <summary>Every frontend sees the changes of SQL transactions like those of another frontend.</summary>
public sealed class SqlWriteWatchTests(SqlWriteWatchTests.ThreeFrontends three, PostgresFixture postgres)
    : IClassFixture<SqlWriteWatchTests.ThreeFrontends>, IClassFixture<PostgresFixture>
{
    private readonly IReadOnlyList<PgEtcdServer> _servers = three.Servers;
    private readonly IReadOnlyList<Kv> _clients = three.Clients;
    private readonly string _database = three.Database;

    [Fact]
    public async Task Watchers_on_three_frontends_see_a_transaction_at_its_commit_once_and_in_order_and_a_rolled_back_one_never()
    {
        await Sql.ExecuteAsync(_database, "create table orders (id integer primary key)");
        await using NpgsqlConnection connection = await OpenAsync();
        await RunAsync(connection, "begin; insert into orders values (1); select pgetcd.put('orders/1', 'no'); rollback");

        long start = await _clients[0].RevisionAsync();
        List<GrpcChannel> channels = [.. _servers.Select(server => new GrpcChannel(server.ClientUrl))];
        List<WatchCall> watches = [.. channels.Select(channel => new WatchCall(channel))];
        foreach (WatchCall watch in watches)
        {
            await watch.CreatedAsync(WatchCall.Prefix("orders/"));
        }

        await RunAsync(connection, """
            begin;
            insert into orders values (2);
            select pgetcd.put('orders/2', 'new');
            savepoint s; select pgetcd.put('orders/2', 'no'); rollback to s;
            select pgetcd.put('orders/2', 'paid'), pgetcd.put('orders/3', 'new'), pgetcd.delete('orders/3');
            """);
        foreach (Kv client in _clients)
        {
            (await ReadAsync(client)).ShouldBeEmpty(); // and the read does not block
        }

        await RunAsync(connection, "commit");
        await RunAsync(connection, "begin; select pgetcd.delete_prefix('orders/'); rollback");
        await _clients[1].PutAsync("orders/end", "1");
        foreach (WatchCall watch in watches)
        {
            (await EventsAsync(watch, "orders/end")).ShouldBe(
            [
                $"Put orders/2=new {start + 1} v1", $"Put orders/2=paid {start + 2} v2", $"Put orders/3=new {start + 3} v1",
                $"Delete orders/3= {start + 4} v0", $"Put orders/end=1 {start + 5} v1",
            ]);
            await watch.DisposeAsync();
        }

        foreach (Kv client in _clients)
        {
            (await ReadAsync(client)).ShouldBe(["orders/2=paid", "orders/end=1"]);
            (await ReadAsync(client, start + 3)).ShouldBe(["orders/2=paid", "orders/3=new"]);
        }

        foreach (GrpcChannel channel in channels)
        {
            await channel.DisposeAsync();
        }

        static Task<string[]> ReadAsync(Kv client, long revision = 0) => client.ReadAsync("orders/", revision, "orders0");
    }

    [Fact]
    public async Task A_lone_frontend_sees_it_without_a_read()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await Eventually.TrueAsync(
            async () => await Sql.ExecuteAsync(database, "select frontends from pgetcd.cluster") is 1, "it knows that it is alone");
        await using GrpcChannel channel = new(server.ClientUrl);
        await using WatchCall watch = new(channel);
        await watch.CreatedAsync(WatchCall.All());
        await Sql.ExecuteAsync(database, "select pgetcd.put('a', '1')");
        (await EventsAsync(watch, "a")).ShouldBe(["Put a=1 2 v1"]);
    }

    [Fact]
    public async Task Concurrent_SQL_writers_and_clients_make_one_history_without_gaps_and_watchers_see_it()
    {
        long start = await _clients[0].RevisionAsync();
        await using GrpcChannel channel = new(_servers[2].ClientUrl);
        await using WatchCall watch = new(channel);
        await watch.CreatedAsync(WatchCall.All(start + 1));
        Task[] sql = [.. Enumerable.Range(0, 2).Select(async writer =>
        {
            await using NpgsqlConnection connection = await OpenAsync();
            for (int i = 0; i < 40; i++)
            {
                string end = i % 5 == 4 ? "rollback" : "commit";
                await RunAsync(
                    connection, $"begin; select pgetcd.put('sql{writer}', '{i}'), pgetcd.put('shared', 's{i}'); {end}");
            }
        })];
        Task[] clients = [.. _clients.Take(2).Select(async (client, number) =>
        {
            for (int i = 0; i < 60; i++)
            {
                await client.PutAsync(i % 2 == 0 ? "shared" : $"client{number}", $"{i}");
            }
        })];
        await Task.WhenAll([.. sql, .. clients]);
        const int Total = (2 * 32 * 2) + (2 * 60);
        (await _clients[0].RevisionAsync()).ShouldBe(start + Total);
        await _clients[0].PutAsync("end");

        List<string> logged = [];
        await using (NpgsqlConnection connection = await OpenAsync())
        await using (NpgsqlCommand command = new($"""
            select format('Put %s=%s %s v%s', key_text, value_text, mod_revision, version)
            from pgetcd.history where mod_revision > {start} order by mod_revision
            """, connection))
        await using (NpgsqlDataReader reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                logged.Add(reader.GetString(0));
            }
        }

        List<string> seen = await EventsAsync(watch, "end");
        seen.ShouldBe(logged);
        seen.Select(line => line.Split(' ')[2]).ShouldBe(Enumerable.Range(1, Total + 1).Select(number => $"{start + number}"));
    }

    [Fact]
    public async Task A_lease_that_expires_deletes_keys_attached_from_SQL()
    {
        LeaseGrantResponse lease = await _clients[0].Channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>(
            "etcdserverpb.Lease/LeaseGrant", new LeaseGrantRequest { TTL = 60 });
        await Sql.ExecuteAsync(_database, $"select pgetcd.put('held', 'x', {lease.ID})");
        (await _clients[1].SendAsync(Kv.Range("held"))).Kvs.Single().Lease.ShouldBe(lease.ID);
        await _clients[2].Channel.UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>(
            "etcdserverpb.Lease/LeaseRevoke", new LeaseRevokeRequest { ID = lease.ID });
        (await _clients[1].ReadAsync("held")).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_audit_distinguishes_clients_and_compactions_from_SQL()
    {
        long first = await _clients[0].PutAsync("audited", "1");
        await Sql.ExecuteAsync(_database, "select pgetcd.put('audited', '2')");
        await _clients[0].SendAsync(Kv.Txn(Kv.Op(Kv.Put("audited", "3"))));
        await _clients[2].DeleteAsync("audited");
        await _clients[1].CompactAsync(first);
        (await Sql.ExecuteAsync(_database, """
            select string_agg(
                format(
                    '%s %s %s %s', value_text, split_part(frontend, '-', 1), request, client ~ '^ipv4:127\.0\.0\.1:\d+$'),
                ', ' order by mod_revision)
            from pgetcd.key_history('audited')
            """)).ShouldBe("1 m0 Put t, 2 sql put t, 3 m0 Txn t,  m2 DeleteRange t");
        (await Sql.ExecuteAsync(_database, """
            select string_agg(format('%s %s %s', compact_revision, split_part(frontend, '-', 1), client ~ '^ipv4:127\.0\.0\.1:\d+$'), ', ')
            from pgetcd.compactions
            """)).ShouldBe($"{first} m1 t");
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        NpgsqlConnection connection = new(new NpgsqlConnectionStringBuilder(_database) { Pooling = false }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The events up to the first one of a key.</summary>
    private static async Task<List<string>> EventsAsync(WatchCall watch, string last)
    {
        List<string> events = [];
        while (events.Count == 0 || !events[^1].Contains($" {last}=", StringComparison.Ordinal))
        {
            WatchResponse response = await watch.NextAsync();
            response.Canceled.ShouldBeFalse();
            events.AddRange(response.Events.Select(change =>
                $"{change.Type} {change.Kv.Key.ToStringUtf8()}={change.Kv.Value.ToStringUtf8()} "
                + $"{change.Kv.ModRevision} v{change.Kv.Version}"));
        }

        return events;
    }

    /// <summary>Three frontends of one store; the tests count revisions from the present one.</summary>
    public sealed class ThreeFrontends() : SeveralFrontends(["m0", "m1", "m2"]);
}
