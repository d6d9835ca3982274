using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Writing;

public class WriteQueueTests
{
    private readonly Replica _replica = new(KeySpace.Empty, 1);
    private readonly WriteQueue _queue;

    public WriteQueueTests() => _queue = new WriteQueue(_replica);

    [Theory]
    [InlineData(1, false)]
    [InlineData(7, false)]
    [InlineData(8, true)]
    public void The_first_write_after_a_large_batch_waits_for_those_behind_it(int writes, bool waits)
    {
        Add(writes).ShouldBe(LoopStart.Now);
        _queue.Take()!.Writes.Count.ShouldBe(writes);
        _queue.Take().ShouldBeNull();
        Add(2).ShouldBe(waits ? LoopStart.Soon : LoopStart.Now);
        _queue.Take()!.Writes.Count.ShouldBe(2);
    }

    [Fact]
    public void Invariant4_one_commit_per_batch_of_the_writes_that_came_meanwhile_in_their_order()
    {
        Add(1);
        Batch underWay = _queue.Take()!;
        PendingWrite early = Write();
        _queue.Add(early).ShouldBe(LoopStart.None);
        _queue.Open(underWay);
        PendingWrite late = Write();
        _queue.Add(late).ShouldBe(LoopStart.None);
        _queue.Count.ShouldBe(3);
        _queue.Take()!.Writes.ShouldBe([early, late]);
    }

    [Fact]
    public void A_closed_batch_is_returned_before_later_writes()
    {
        Add(1);
        _queue.Open(_queue.Take()!);
        PendingWrite early = Write();
        _queue.Add(early);
        _queue.Close();
        PendingWrite late = Write();
        _queue.Add(late);
        _queue.Take()!.Writes.ShouldBe([early, late]);
    }

    [Fact]
    public async Task Gathering_ends_when_as_many_wait_as_were_answered_besides_those_that_waited_already()
    {
        Add(1);
        Batch underWay = _queue.Take()!;
        Add(2);
        Task gathered = _queue.GatherAsync(underWay.Writes.Count + 2);

        Add(2);
        gathered.IsCompleted.ShouldBeFalse();
        Add(1);
        await gathered.WaitAsync(StoreParts.Patience);
        _queue.Take()!.Writes.Count.ShouldBe(5);
    }

    [Fact]
    public async Task Gathering_pauses_when_the_clients_do_not_come()
    {
        Gathering gathering = new(TimeProvider.System);
        gathering.Pays(3).ShouldBeFalse();
        gathering.Pays(4).ShouldBeTrue();
        await gathering.WaitAsync(Task.CompletedTask);
        gathering.Pays(4).ShouldBeTrue();
        await gathering.WaitAsync(Task.Delay(Timeout.Infinite));
        Enumerable.Range(0, 33).Count(_ => gathering.Pays(4)).ShouldBe(2);
    }

    /// <summary>Adds writes; what the first of them was answered.</summary>
    private LoopStart Add(int writes)
    {
        LoopStart first = _queue.Add(Write());
        for (int i = 1; i < writes; i++)
        {
            _queue.Add(Write()).ShouldBe(LoopStart.None);
        }

        return first;
    }

    private PendingWrite Write() => new(StoreParts.Put("a", "1"), 100, _replica, new Origin(Caller.Server, null), 0);
}
