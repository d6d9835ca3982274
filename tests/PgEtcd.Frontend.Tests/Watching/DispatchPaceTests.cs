using Microsoft.Extensions.Time.Testing;
using PgEtcd.Frontend.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Watching;

public sealed class DispatchPaceTests : IDisposable
{
    private const int Watchers = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _clock = new();
    private readonly SemaphoreSlim _dispatched = new(0);
    private readonly DispatchPace _pace;
    private long _events;

    public DispatchPaceTests()
    {
        _pace = new DispatchPace(Dispatch, _clock);
        _clock.Advance(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Events_of_successive_batches_travel_together()
    {
        await WakeAsync(20);
        for (int batch = 0; batch < 3; batch++)
        {
            _pace.Wake(20, Watchers);
        }

        _clock.Advance(DispatchPace.Pause - TimeSpan.FromTicks(1));
        _dispatched.CurrentCount.ShouldBe(0);
        _clock.Advance(TimeSpan.FromTicks(1));
        _dispatched.CurrentCount.ShouldBe(1);
        _clock.Advance(TimeSpan.FromMinutes(1));
        _dispatched.CurrentCount.ShouldBe(1, "nothing came since");
    }

    [Fact]
    public async Task Events_after_a_pause_do_not_wait()
    {
        await WakeAsync(20);
        _clock.Advance(DispatchPace.Pause);
        await WakeAsync(20);
    }

    [Fact]
    public async Task Lone_writes_do_not_wait_however_many_there_are()
    {
        for (int write = 0; write < 10; write++)
        {
            await WakeAsync(1);
        }
    }

    [Fact]
    public async Task Events_do_not_wait_when_each_stream_gets_many_of_them()
    {
        _events = 2000;
        await WakeAsync(20);
        await WakeAsync(20);
    }

    [Fact]
    public void Few_events_for_few_watchers_are_handed_out_by_the_thread_that_brings_them()
    {
        _pace.Wake(1, 10);
        _dispatched.CurrentCount.ShouldBe(1);
        _pace.Wake(10, 1);
        _dispatched.CurrentCount.ShouldBe(2);
    }

    public void Dispose()
    {
        _pace.Dispose();
        _dispatched.Dispose();
    }

    /// <summary>Has events handed out, which must happen without the clock going on.</summary>
    private async Task WakeAsync(int events)
    {
        _pace.Wake(events, Watchers);
        (await _dispatched.WaitAsync(Patience)).ShouldBeTrue();
    }

    private void Dispatch()
    {
        _pace.Begin();
        _pace.End(_events, streams: 10);
        _dispatched.Release();
    }
}
