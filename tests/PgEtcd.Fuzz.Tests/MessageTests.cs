using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Every method with every kind of request: always a status, and the connection stays usable.</summary>
public sealed class MessageTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int MostResponses = 20;

    /// <summary>The timeout of calls that wait for something that may never come.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task Every_request_is_answered_with_a_status()
    {
        await using FuzzedServer server = await FuzzedServer.StartAsync(postgres);
        await using GrpcChannel channel = new(server.Url, singleConnection: true);
        await server.AttackAsync(2500, async seed =>
        {
            Random random = new(seed);
            MethodDescriptor method = FuzzedServer.Methods[random.Next(FuzzedServer.Methods.Count)];
            byte[][] requests = [
                .. Enumerable.Range(0, method.IsClientStreaming ? random.Next(1, 5) : 1).Select(_ => Request(random, method.InputType))];
            Status status = await CallAsync(channel, method, requests);
            // If the connection breaks for all its calls, the client itself reports Unavailable or Internal.
            string words = $"{method.FullName} says {status}";
            if (status.StatusCode == StatusCode.Internal)
            {
                status.Detail.ShouldStartWith("grpc: error unmarshalling request: ", customMessage: words);
            }
            else if (status.StatusCode == StatusCode.Unavailable)
            {
                status.Detail.ShouldStartWith("etcdserver: ", customMessage: words);
            }

            status.Detail.ShouldNotBe(FuzzedServer.Thrown, words);
        });
    }

    private static byte[] Request(Random random, MessageDescriptor type)
    {
        byte[] message = RandomMessages.Make(random, type).ToByteArray();
        return random.Next(2) == 0 ? message : Mutation.Of(random, message);
    }

    private static async Task<Status> CallAsync(GrpcChannel channel, MethodDescriptor method, byte[][] requests)
    {
        string name = $"{method.Service.FullName}/{method.Name}";
        using GrpcRawCall call = method.IsClientStreaming
            ? channel.DuplexRaw(name, timeout: Timeout)
            : channel.StartRaw(name, requests[0], timeout: Timeout);
        try
        {
            if (method.IsClientStreaming)
            {
                foreach (byte[] request in requests)
                {
                    await call.WriteAsync(request);
                }

                await call.CompleteAsync();
            }

            for (int i = 0; i < MostResponses && await call.MoveNextAsync(); i++)
            {
                // Any status is an answer.
            }

            return Status.DefaultSuccess;
        }
        catch (RpcException refused)
        {
            return refused.Status;
        }
    }
}
