using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.History;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Watching;

/// <summary>Periodic progress notifications, at a short interval.</summary>
public sealed class WatchProgressTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private StoreParts _parts = null!;

    public async Task InitializeAsync() => _parts = await StoreParts.CreateAsync(postgres);

    [Fact]
    [Trait("issue", "etcd#20221")]
    public async Task An_idle_watcher_gets_requested_progress_and_one_before_its_start_does_not()
    {
        await _parts.WriteAsync(StoreParts.Put("a", "1"));
        using WatchHub hub = NewHub();
        WatchStream stream = hub.Open();
        stream.Create(0, Target("idle"));
        stream.Create(0, Target("idle") with { ProgressNotify = false });
        stream.Create(0, Target("busy"));
        stream.Create(0, Target("idle") with { StartRevision = long.MaxValue });
        List<WatchUpdate> updates = [];
        while (updates.Count(update => IsProgress(update) && update.WatchId == 0) < 3)
        {
            await _parts.WriteAsync(StoreParts.Put("busy", "1"));
            await _parts.WriteAsync(StoreParts.Put("other", "1"));
            Take(stream, updates);
        }

        hub.Close(stream);
        updates.Where(IsProgress).ShouldAllBe(update => update.WatchId == 0 || update.WatchId == 2);
        long promised = 0;
        foreach (WatchUpdate update in updates.Where(update => !update.Created))
        {
            update.Events.ShouldAllBe(change => change.Revision > promised);
            promised = IsProgress(update) ? update.Revision : promised;
        }
    }

    [Fact]
    public async Task A_watcher_with_events_between_two_ticks_gets_no_progress()
    {
        using WatchHub hub = NewHub();
        WatchStream stream = hub.Open();
        stream.Create(0, Target("busy"));
        stream.Create(0, Target("idle"));
        List<WatchUpdate> updates = [];
        long silentSince = TimeProvider.System.GetTimestamp();
        TimeSpan longestSilence = TimeSpan.Zero;
        while (updates.Count(IsProgress) < 5)
        {
            await _parts.WriteAsync(StoreParts.Put("busy", "1"));
            TimeSpan silence = TimeProvider.System.GetElapsedTime(silentSince);
            longestSilence = silence > longestSilence ? silence : longestSilence;
            silentSince = TimeProvider.System.GetTimestamp();
            Take(stream, updates);
        }

        hub.Close(stream);
        if (longestSilence < TimeSpan.FromMilliseconds(50)) // else the machine was too busy to say
        {
            updates.Where(IsProgress).ShouldAllBe(update => update.WatchId == 1);
        }
    }

    public async Task DisposeAsync() => await _parts.DisposeAsync();

    private WatchHub NewHub() => new(
        _parts.Replica, new EventReader(_parts.Database), TimeSpan.FromMilliseconds(100), TimeProvider.System,
        NullLogger<WatchHub>.Instance);

    private static WatchTarget Target(string key) => new(
        new KeyRange(StoreParts.Bytes(key), default), 0, NoPut: false, NoDelete: false, PreviousValue: false, ProgressNotify: true,
        Fragment: false);

    private static bool IsProgress(WatchUpdate update) => !update.Created && update.Events.Count == 0;

    private static void Take(WatchStream stream, List<WatchUpdate> updates)
    {
        while (stream.Queue.TryTake(out WatchUpdate? update, out _))
        {
            updates.Add(update);
        }
    }
}
