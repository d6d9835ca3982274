using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Api.Connections;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Connections;

/// <summary>The memory held by connections (fault A5).</summary>
public sealed class HeldBytesTests
{
    private readonly HeldBytes _held = new(most: 900, least: 10);

    [Fact]
    public void One_connection_may_hold_a_third_and_leaves_room_for_others()
    {
        HeldBytes.Account first = Connection();
        TakeAll(first).ShouldBe(300);
        HeldBytes.Account second = Connection();
        TakeAll(second).ShouldBe(200);
        for (int i = 0; i < 100; i++)
        {
            TakeAll(Connection()).ShouldBeGreaterThanOrEqualTo(10);
        }

        first.Give(300);
        _held.All.ShouldBeLessThan(2000);
    }

    [Fact]
    public void The_requests_of_a_connection_share_its_account()
    {
        FeatureCollection features = new();
        features.Set<IConnectionItemsFeature>(new Items());
        _held.Of(new DefaultHttpContext(features)).ShouldBeSameAs(_held.Of(new DefaultHttpContext(features)));
        new HeldBytes(1, 1).Of(new DefaultHttpContext(features)).ShouldNotBeSameAs(_held.Of(new DefaultHttpContext(features)));
    }

    [Fact]
    public async Task Waiting_calls_continue_in_order_when_room_is_freed()
    {
        HeldBytes.Account connection = Connection();
        await connection.TakeAsync(5000, CancellationToken.None); // a single one may have any size
        using CancellationTokenSource gone = new();
        Task[] waiting = [
            connection.TakeAsync(200, default), connection.TakeAsync(300, gone.Token), connection.TakeAsync(250, default),
            connection.TakeAsync(1, default)];
        waiting.ShouldAllBe(one => !one.IsCompleted);
        connection.Give(5000);
        await waiting[0];
        waiting.Select(one => one.IsCompleted).ShouldBe([true, false, false, false], "the small one waits for its turn");
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => waiting[1]);
        connection.Give(200);
        await Task.WhenAll(waiting[2], waiting[3]);
        _held.All.ShouldBe(251);
        connection.Give(250);
        connection.Give(1);
        _held.All.ShouldBe(0);
    }

    private static long TakeAll(HeldBytes.Account connection)
    {
        long taken = 0;
        while (connection.TryTake(1))
        {
            taken++;
        }

        return taken;
    }

    private HeldBytes.Account Connection()
    {
        FeatureCollection features = new();
        features.Set<IConnectionItemsFeature>(new Items());
        return _held.Of(new DefaultHttpContext(features));
    }

    private sealed class Items : IConnectionItemsFeature
    {
        IDictionary<object, object?> IConnectionItemsFeature.Items { get; set; } = new Dictionary<object, object?>();
    }
}
