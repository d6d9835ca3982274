using System.Security.Cryptography;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;
using static PgEtcd.BlackBox.Tests.Snapshots.SnapshotTools;

namespace PgEtcd.BlackBox.Tests.Snapshots;

/// <summary>Maintenance.Snapshot on the wire.</summary>
public sealed class SnapshotStreamTests(OneServer one, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>
{
    private const int BlobLength = 32 * 1024;

    [Fact]
    public async Task The_file_comes_in_blobs_of_32_KiB_and_the_checksum_in_a_separate_message()
    {
        Kv kv = one.Kv;
        for (int i = 0; i < 50; i++)
        {
            await kv.PutAsync($"key{i}", new string('v', 3_000));
        }

        List<SnapshotResponse> messages = await SnapshotAsync(kv.Channel);
        messages.Count.ShouldBeGreaterThan(4);
        SnapshotResponse[] data = [.. messages.SkipLast(1)];
        data.SkipLast(1).ShouldAllBe(message => message.Blob.Length == BlobLength);
        long remaining = data.Sum(message => message.Blob.Length);
        (remaining % 4096).ShouldBe(0);
        foreach (SnapshotResponse message in data)
        {
            remaining -= message.Blob.Length;
            message.RemainingBytes.ShouldBe((ulong)remaining);
        }

        remaining.ShouldBe(0);
        messages[^1].RemainingBytes.ShouldBe(0UL);
        messages[^1].Blob.ToByteArray().ShouldBe(SHA256.HashData([.. data.SelectMany(message => message.Blob)]));
        messages.ShouldAllBe(message => message.Version == "3.6.0" && message.Header == null);
    }

    [SkippableFact]
    public async Task A_snapshot_taken_during_writes_is_of_one_revision()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using PgEtcdServer other = await PgEtcdServer.StartAsync(database, name: "other");
        using CancellationTokenSource enough = new();
        Task[] writers = [
            .. new[] { server, other }.SelectMany(one => Enumerable.Range(0, 4).Select(n => WriteAsync(one, n, enough.Token)))];
        await using Kv kv = new(server);
        long before = await kv.RevisionAsync();
        await Eventually.TrueAsync(async () => await kv.RevisionAsync() > before + 500, "the writers are at work");

        for (int i = 0; i < 3; i++)
        {
            long least = await kv.RevisionAsync();
            string path = await SaveAsync(server, $"{files.Path}/{i}.db");
            long most = await kv.RevisionAsync();
            (long revision, _, _) = await StatusAsync(path);
            revision.ShouldBeInRange(least, most);

            string schema = $"copy{i}";
            await ImportAsync(path, database, schema);
            ((long)(await Sql.ExecuteAsync(database, $"select count(distinct revision) from {schema}.revisions"))!).ShouldBe(revision - 1);
            // The two keys of a pair are always written together.
            ((long)(await Sql.ExecuteAsync(database, $"""
                select count(*) from {schema}.current_state a join {schema}.current_state b
                    on b.key = 'b'::bytea || substr(a.key, 2) and a.value = b.value and a.mod_revision = b.mod_revision
                where substr(a.key, 1, 1) = 'a'
                """))!).ShouldBe((long)(await Sql.ExecuteAsync(database, $"select count(*) / 2 from {schema}.current_state"))!);
        }

        await enough.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task A_client_that_disconnects_or_does_not_read_is_harmless()
    {
        Kv kv = one.Kv;
        for (int i = 0; i < 30; i++)
        {
            await kv.PutAsync($"key{i}", new string('v', 1_000_000));
        }

        for (int i = 0; i < 20; i++)
        {
            await using GrpcChannel channel = new(one.Server.ClientUrl);
            await foreach (SnapshotResponse message in channel.ServerStreamAsync<SnapshotRequest, SnapshotResponse>(
                "etcdserverpb.Maintenance/Snapshot", new()))
            {
                message.Blob.Length.ShouldBe(BlobLength);
                break;
            }
        }

        // Each snapshot had its own transaction; none is left.
        const string OldTransactions = """
            select count(*) from pg_stat_activity
            where datname = current_database() and state <> 'idle' and xact_start < now() - interval '2 seconds'
            """;
        await Eventually.TrueAsync(
            async () => (long)(await Sql.ExecuteAsync(one.Database, OldTransactions))! == 0, "no transaction is open");
        await kv.PutAsync("still", "alive");
        (await SnapshotAsync(kv.Channel)).Count.ShouldBeGreaterThan(900);
    }

    private static async Task<List<SnapshotResponse>> SnapshotAsync(GrpcChannel channel)
    {
        List<SnapshotResponse> messages = [];
        await foreach (SnapshotResponse message in channel.ServerStreamAsync<SnapshotRequest, SnapshotResponse>(
            "etcdserverpb.Maintenance/Snapshot", new()))
        {
            messages.Add(message);
        }

        return messages;
    }

    private static async Task WriteAsync(PgEtcdServer server, int writer, CancellationToken enough)
    {
        await using Kv kv = new(server);
        for (int i = 0; !enough.IsCancellationRequested; i++)
        {
            string pair = $"{server.Pid}-{writer}-{i % 50}";
            await kv.SendAsync(Txn(Op(Put($"a{pair}", $"{i}")), Op(Put($"b{pair}", $"{i}"))));
            await Task.Delay(2, CancellationToken.None); // eight unlimited writers would leave no CPU for other tests
        }
    }
}
