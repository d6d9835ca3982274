using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.History;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Watching;

/// <summary>Fault A4: an exception while events were handed out ended the process.</summary>
public sealed class WatchFaultTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_watcher_that_throws_is_closed_and_the_others_get_the_event(bool isTransaction)
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        using WatchHub hub = new(
            parts.Replica, new EventReader(parts.Database), TimeSpan.FromMinutes(1), TimeProvider.System, NullLogger<WatchHub>.Instance);
        WatchStream[] streams = [hub.Open(), hub.Open(new BrokenQueue()), hub.Open()];
        foreach (WatchStream stream in streams)
        {
            stream.Create(0, new WatchTarget(
                new KeyRange(StoreParts.Bytes("a"), StoreParts.Bytes("z")), 0,
                NoPut: false, NoDelete: false, PreviousValue: false, ProgressNotify: false, Fragment: false));
        }

        Operation write = isTransaction
            ? new TxnOperation { Success = [StoreParts.Put("b", "1"), StoreParts.Put("c", "1")] }
            : StoreParts.Put("b", "1");
        (await parts.WriteAsync(write)).Error.ShouldBeNull();
        (await parts.WriteAsync(StoreParts.Put("d", "1"))).Error.ShouldBeNull();

        foreach (WatchStream stream in (WatchStream[])[streams[0], streams[2]])
        {
            List<string> keys = [];
            while (keys.Count < (isTransaction ? 3 : 2))
            {
                (await stream.Queue.WaitAsync().AsTask().WaitAsync(StoreParts.Patience)).ShouldBeTrue();
                while (stream.Queue.TryTake(out WatchUpdate? update, out _))
                {
                    keys.AddRange(update.Events.Select(change => StoreParts.Text(change.Key.Span)));
                }
            }

            keys.ShouldBe(isTransaction ? ["b", "c", "d"] : ["b", "d"]);
        }

        (await streams[1].Queue.WaitAsync().AsTask().WaitAsync(StoreParts.Patience)).ShouldBeFalse("its stream was closed");
        hub.Count().Streams.ShouldBe(2);
    }

    /// <summary>As when 1,450 keys of 1.5 MB are deleted in one revision: three times what 32 bits hold, in memory once.</summary>
    [Fact]
    public async Task Watchers_survive_a_revision_of_more_than_two_gigabytes()
    {
        await using StoreParts parts = await StoreParts.CreateAsync(postgres);
        using WatchHub hub = new(
            parts.Replica, new EventReader(parts.Database), TimeSpan.FromMinutes(1), TimeProvider.System, NullLogger<WatchHub>.Instance);
        KeyRecord before = Changes.Put(1, "k", 1_500_000).Record!;
        KvEvent[] deletes = [.. Enumerable.Range(0, 1450).Select(sub => Changes.Delete(2, $"k{sub}", sub, before))];
        foreach ((bool previous, bool fragment) in new[] { (true, true), (true, false), (false, false) })
        {
            WatchStream stream = hub.Open();
            Watcher watcher = new(stream, 1, new WatchTarget(
                new KeyRange(StoreParts.Bytes("a"), StoreParts.Bytes("z")), 0,
                NoPut: false, NoDelete: false, previous, ProgressNotify: false, fragment));

            stream.TrySend(watcher, 2, deletes).ShouldBeTrue();
            stream.TrySend(watcher, 3, [Changes.Put(3)]).ShouldBe(!previous, "a stream with so much on its way takes no more");
            stream.Queue.TryTake(out WatchUpdate? update, out _).ShouldBeTrue();
            update!.Bytes.ShouldBeInRange(previous ? 2_175_000_000 : 1, previous ? 2_180_000_000 : 200_000);
            stream.TrySend(watcher, 3, [Changes.Put(3)]).ShouldBeTrue();
        }
    }

    private sealed class BrokenQueue : WatchQueue
    {
        public override bool TryAdd(WatchUpdate update) => throw new InvalidOperationException("Broken.");
    }
}
