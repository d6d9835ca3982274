using PgEtcd.Frontend.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Watching;

public class WatchQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly WatchQueue _queue = new();

    [Fact]
    public async Task Responses_come_out_in_the_order_they_went_in_and_the_last_is_known_as_such()
    {
        for (long id = 0; id < 3; id++)
        {
            _queue.Add(Update(id));
        }

        (await _queue.WaitAsync()).ShouldBeTrue();
        for (long id = 0; id < 3; id++)
        {
            _queue.TryTake(out WatchUpdate? update, out bool isLast).ShouldBeTrue();
            (update!.WatchId, isLast).ShouldBe((id, id == 2));
        }

        _queue.TryTake(out _, out _).ShouldBeFalse();
    }

    [Fact]
    public async Task A_reader_waiting_for_a_response_continues_when_one_comes()
    {
        Task<bool> waiting = _queue.WaitAsync().AsTask();
        waiting.IsCompleted.ShouldBeFalse();
        _queue.TryAdd(Update(1)).ShouldBeTrue();
        waiting.IsCompleted.ShouldBeFalse("more may belong to it");
        _queue.Wake();
        (await waiting.WaitAsync(Patience)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100_000)]
    public async Task Events_are_refused_when_too_many_wait_until_half_of_them_are_gone(long bytes)
    {
        int count = 0;
        while (_queue.TryAdd(Update(count, bytes)))
        {
            count++;
        }

        count.ShouldBeInRange(10, 10_000);
        _queue.Add(Update(-1)); // what must not get lost has room always
        Task room = _queue.RoomAsync();
        for (int taken = 0; taken < (count / 2) - 1; taken++)
        {
            _queue.TryTake(out _, out _).ShouldBeTrue();
            room.IsCompleted.ShouldBeFalse();
        }

        for (int taken = 0; taken < 4; taken++)
        {
            _queue.TryTake(out _, out _).ShouldBeTrue();
        }

        await room.WaitAsync(Patience);
        _queue.RoomAsync().IsCompleted.ShouldBeTrue();
        _queue.TryAdd(Update(0, bytes)).ShouldBeTrue();
    }

    [Fact]
    public async Task The_end_wakes_waiting_readers_and_writers()
    {
        WatchQueue full = new();
        while (full.TryAdd(Update(0)))
        {
        }

        Task<bool> reader = _queue.WaitAsync().AsTask();
        Task room = full.RoomAsync();
        _queue.Close();
        full.Close();

        (await reader.WaitAsync(Patience)).ShouldBeFalse();
        await room.WaitAsync(Patience);
        (await full.WaitAsync()).ShouldBeFalse();
        full.Add(Update(1));
        full.TryTake(out _, out _).ShouldBeFalse("it is no longer read");
    }

    private static WatchUpdate Update(long id, long bytes = 0) => new(1, id) { Bytes = bytes };
}
