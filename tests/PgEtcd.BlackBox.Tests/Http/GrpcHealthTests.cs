using Grpc.Core;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Protocol.GrpcHealth.HealthCheckResponse.Types;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>grpc.health.v1.Health.</summary>
public sealed class GrpcHealthTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Only_the_server_as_a_whole_is_known()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using GrpcChannel channel = new(server.ClientUrl);
        (await CheckAsync(channel, "")).Status.ShouldBe(ServingStatus.Serving);
        (await Should.ThrowAsync<RpcException>(() => CheckAsync(channel, "etcdserverpb.KV"))).Status
            .ShouldBe(new Status(StatusCode.NotFound, "unknown service"));
        HealthListResponse list = await channel.UnaryAsync<HealthListRequest, HealthListResponse>(
            "grpc.health.v1.Health/List", new HealthListRequest());
        list.Statuses.ShouldHaveSingleItem().Key.ShouldBe("");
        list.Statuses[""].Status.ShouldBe(ServingStatus.Serving);
    }

    [Fact]
    public async Task Watch_reports_that_the_server_drains()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using GrpcChannel channel = new(server.ClientUrl);
        await using IAsyncEnumerator<HealthCheckResponse> known = Watch(channel, "");
        await using IAsyncEnumerator<HealthCheckResponse> unknown = Watch(channel, "etcdserverpb.KV");
        (await NextAsync(known)).ShouldBe(ServingStatus.Serving);
        (await NextAsync(unknown)).ShouldBe(ServingStatus.ServiceUnknown);

        Task<int> stopping = server.StopAsync();
        (await NextAsync(known)).ShouldBe(ServingStatus.NotServing);
        (await Should.ThrowAsync<RpcException>(() => NextAsync(known))).StatusCode.ShouldBe(StatusCode.Unavailable);
        (await Should.ThrowAsync<RpcException>(() => NextAsync(unknown))).StatusCode.ShouldBe(StatusCode.Unavailable);
        (await stopping).ShouldBe(0);
    }

    private static Task<HealthCheckResponse> CheckAsync(GrpcChannel channel, string service) =>
        channel.UnaryAsync<HealthCheckRequest, HealthCheckResponse>(
            "grpc.health.v1.Health/Check", new HealthCheckRequest { Service = service });

    private static IAsyncEnumerator<HealthCheckResponse> Watch(GrpcChannel channel, string service) => channel
        .ServerStreamAsync<HealthCheckRequest, HealthCheckResponse>(
            "grpc.health.v1.Health/Watch", new HealthCheckRequest { Service = service })
        .GetAsyncEnumerator();

    private static async Task<ServingStatus> NextAsync(IAsyncEnumerator<HealthCheckResponse> stream)
    {
        (await stream.MoveNextAsync().AsTask().WaitAsync(Limit)).ShouldBeTrue();
        return stream.Current.Status;
    }
}
