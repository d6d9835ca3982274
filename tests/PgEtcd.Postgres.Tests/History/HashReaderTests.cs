using System.Text;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.History;

/// <summary>The hash of the key space. Transcripts of 3.6 and a real 3.4 show, over the wire, that it equals etcd's.</summary>
public sealed class HashReaderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Keys = ["a", "b", "bb", "c"];

    [Fact]
    public void The_checksum_is_Castagnolis_however_the_bytes_are_cut()
    {
        byte[] check = Encoding.ASCII.GetBytes("123456789");
        for (int cut = 0; cut <= check.Length; cut++)
        {
            Crc32C crc = default;
            crc.Add(check.AsSpan(0, cut));
            crc.Add(check.AsSpan(cut));
            crc.Value.ShouldBe(0xE3069283);
        }
    }

    /// <summary>Removal of superseded rows, at any point, changes no hash.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_hash_is_the_same_before_during_and_after_removal(int seed)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        HashReader reader = new(log.Database);
        Random random = new(seed);
        HashSet<uint> seen = [];
        for (int round = 0; round < 6; round++)
        {
            for (int i = random.Next(5, 20); i >= 0; i--)
            {
                await log.WriteAsync(random.Next(3) == 0 ? Delete(Keys[random.Next(4)]) : Put(Keys[random.Next(4)]));
            }

            if (round % 3 == 2)
            {
                await log.WriteAsync(Delete("a", "z")); // no key is alive, so another rule applies to what is kept
            }

            await log.CompactAsync(random.NextInt64(Math.Max(1, log.State.CompactRevision + 1), log.State.Revision + 1));
            Dictionary<long, uint> before = await HashesAsync(reader, log.State);
            while (await log.StepAsync(random.Next(1, 5)) is RemovalOutcome.More)
            {
                (await HashesAsync(reader, log.State)).ShouldBe(before);
            }

            (await HashesAsync(reader, log.State)).ShouldBe(before);
            seen.UnionWith(before.Values);
        }

        seen.Count.ShouldBeGreaterThan(30, "different states have different hashes");
    }

    /// <summary>Fault C16: at any point of removal, and for compactions before it began.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_last_ten_compactions_keep_the_hashes_from_before_them(int seed)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        HashReader reader = new(log.Database);
        Random random = new(seed);
        List<HashedKeys> kept = [];
        await log.WriteAsync(Put("z"));
        for (int round = 0; round < 14; round++)
        {
            for (int i = random.Next(2, 12); i >= 0; i--)
            {
                await log.WriteAsync(random.Next(3) == 0 ? Delete(Keys[random.Next(4)]) : Put(Keys[random.Next(4)]));
            }

            long at = random.NextInt64(Math.Max(2, log.State.CompactRevision + 1), log.State.Revision + 1);
            kept.Add(await reader.HashKeysAsync(at, CancellationToken.None));
            kept[^1].CompactRevision.ShouldBe(log.State.CompactRevision);
            await log.CompactAsync(at);
            await CheckAsync();
            for (int steps = random.Next(4); steps > 0; steps--)
            {
                await log.StepAsync(random.Next(1, 9));
                await CheckAsync();
            }
        }

        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        await CheckAsync();

        async Task CheckAsync()
        {
            foreach (HashedKeys one in kept.TakeLast(10))
            {
                (await reader.HashKeysAsync(one.HashRevision, CancellationToken.None)).ShouldBe(one with { Revision = log.State.Revision });
            }

            foreach (HashedKeys one in kept.SkipLast(10))
            {
                (await reader.HashKeysAsync(one.HashRevision, CancellationToken.None)).Error.ShouldBe(KvError.Compacted);
            }
        }
    }

    /// <summary>etcd counts the tombstones at the compact revision among the kept rows, but leaves out the rows that they delete.</summary>
    [Fact]
    public async Task A_compaction_at_which_all_is_deleted_hashes_its_tombstones_alone()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        HashReader reader = new(log.Database);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("b"));
        await log.CompactAsync(3);
        await log.WriteAsync(Delete("a", "z"));
        await log.CompactAsync(4);

        Crc32C crc = default;
        crc.Add("key"u8);
        for (int sub = 0; sub < 2; sub++)
        {
            crc.Add([0, 0, 0, 0, 0, 0, 0, 4, (byte)'_', 0, 0, 0, 0, 0, 0, 0, (byte)sub, (byte)'t']);
            crc.Add([0x0A, 1, (byte)('a' + sub)]);
        }

        HashedKeys expected = new(KvError.None, crc.Value, 3, 4, 4);
        (await reader.HashKeysAsync(4, CancellationToken.None)).ShouldBe(expected);
        (await log.RemoveAsync()).ShouldBe(RemovalOutcome.Finished);
        (await reader.HashKeysAsync(4, CancellationToken.None)).ShouldBe(expected);
    }

    [Fact]
    public async Task Compacted_and_future_revisions_have_no_hash()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        HashReader reader = new(log.Database);
        for (int i = 0; i < 4; i++)
        {
            await log.WriteAsync(Put("a"));
        }

        await log.CompactAsync(3);

        (await reader.HashKeysAsync(2, CancellationToken.None)).Error.ShouldBe(KvError.Compacted);
        (await reader.HashKeysAsync(6, CancellationToken.None)).Error.ShouldBe(KvError.FutureRevision);
        HashedKeys now = await reader.HashKeysAsync(0, CancellationToken.None);
        now.ShouldBe(new HashedKeys(KvError.None, now.Hash, 3, 5, 5));
        (await reader.HashKeysAsync(5, CancellationToken.None)).ShouldBe(now);
        (await reader.HashKeysAsync(-4, CancellationToken.None)).Hash.ShouldBe(1084519789u, "only the name of the bucket");
    }

    [Fact]
    public async Task The_hash_of_everything_covers_leases_but_not_their_time()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        HashReader reader = new(log.Database);
        LeaseTable leases = new(log.Database);
        await log.WriteAsync(Put("a"));
        uint empty = (await reader.HashAllAsync(CancellationToken.None)).Hash;
        await leases.GrantAsync(5, 60, Guid.NewGuid(), CancellationToken.None);
        uint granted = (await reader.HashAllAsync(CancellationToken.None)).Hash;
        await leases.KeepAliveAsync([5], CancellationToken.None);

        granted.ShouldNotBe(empty);
        (await reader.HashAllAsync(CancellationToken.None)).Hash.ShouldBe(granted);
    }

    private static async Task<Dictionary<long, uint>> HashesAsync(HashReader reader, KeySpace state)
    {
        Dictionary<long, uint> hashes = [];
        for (long revision = state.CompactRevision; revision <= state.Revision; revision++)
        {
            HashedKeys hashed = await reader.HashKeysAsync(revision, CancellationToken.None);
            hashed.Error.ShouldBe(KvError.None);
            hashes[revision] = hashed.Hash;
        }

        return hashes;
    }
}
