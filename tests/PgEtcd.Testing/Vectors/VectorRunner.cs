using System.Text.Json.Nodes;
using Grpc.Core;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Rpc;

namespace PgEtcd.Testing.Vectors;

/// <summary>
/// Replays a transcript against a server with an empty store and compares every answer. The rules are in
/// the vectors' own README; the kinds of lines are unary and stream calls and orders to watch streams.
/// </summary>
public sealed class VectorRunner : IAsyncDisposable
{
    private readonly string _file;
    private readonly GrpcChannel _channel;
    private readonly IRpcClient _client;
    private readonly Dictionary<string, string> _tokens = [];
    private readonly Dictionary<string, WatchReplay> _watches = [];

    private VectorRunner(string file, Uri server, bool throughGateway)
    {
        _file = file;
        _channel = new GrpcChannel(server);
        _client = throughGateway ? new GatewayClient(server) : new RpcClient(_channel);
    }

    /// <summary>Replays a file from the first line to the last.</summary>
    /// <param name="skip">Lines to skip for this server, because of a known difference.</param>
    /// <param name="throughGateway">Whether calls are made in JSON over HTTP; watches never are.</param>
    /// <exception cref="VectorMismatchException">An answer differs.</exception>
    public static async Task RunAsync(VectorFile file, Uri server, Func<VectorLine, bool>? skip = null, bool throughGateway = false)
    {
        await using VectorRunner runner = new(file.Name, server, throughGateway);
        foreach (VectorLine line in file.Lines)
        {
            if (skip?.Invoke(line) != true)
            {
                await runner.ReplayAsync(line).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (WatchReplay watch in _watches.Values)
        {
            await watch.DisposeAsync().ConfigureAwait(false);
        }

        (_client as IDisposable)?.Dispose();
        await _channel.DisposeAsync().ConfigureAwait(false);
    }

    private Task ReplayAsync(VectorLine line)
    {
        if (line.Text("rpc") is { } rpc)
        {
            return CallAsync(line, rpc);
        }

        if (line.Text("watch") is { } order)
        {
            return WatchAsync(line, order);
        }

        throw new NotSupportedException($"{_file} line {line.Number} is of an unknown kind.");
    }

    private async Task CallAsync(VectorLine line, string rpc)
    {
        RpcAnswer answer = await _client.CallAsync(rpc, Json.Write(line.Json["request"]), Credentials(line)).ConfigureAwait(false);
        JsonObject expected = new();
        string outcome = line.Json.ContainsKey("error") ? "error" : "response";
        expected[outcome] = line.Json[outcome]!.DeepClone();
        if (expected["response"] is JsonObject response)
        {
            Normalisation.Apply(rpc, response);
        }

        if (!JsonNode.DeepEquals(expected, answer.ToJson()))
        {
            throw new VectorMismatchException(_file, line, expected, answer.ToJson());
        }

        if (rpc == "etcdserverpb.Auth/Authenticate" && answer.Raw is not null)
        {
            _tokens[(string)line.Json["request"]!["name"]!] = (string)Json.Parse(answer.Raw)["token"]!;
        }
    }

    private async Task WatchAsync(VectorLine line, string order)
    {
        string stream = line.Text("stream")!;
        switch (order)
        {
            case "open":
                _watches[stream] = new WatchReplay(_channel, Credentials(line));
                break;
            case "send":
                await _watches[stream].SendAsync(Json.Write(line.Json["request"])).ConfigureAwait(false);
                break;
            case "expect":
                JsonArray expected = line.Json["responses"]!.AsArray();
                JsonArray actual = await _watches[stream].ReceiveAsync(expected, (bool?)line.Json["catchup"] == true).ConfigureAwait(false);
                if (!JsonNode.DeepEquals(expected, actual))
                {
                    throw new VectorMismatchException(_file, line, expected, actual);
                }

                break;
            case "close":
                await _watches[stream].DisposeAsync().ConfigureAwait(false);
                _watches.Remove(stream);
                break;
            default:
                throw new NotSupportedException($"{_file} line {line.Number}: there is no order \"{order}\" for a watch.");
        }
    }

    private Metadata? Credentials(VectorLine line)
    {
        // A client that could never log in sends a token that is not one.
        string? token = line.Text("as") is { } name ? _tokens.GetValueOrDefault(name, "none.0") : line.Text("token");
        return token is null ? null : new Metadata { { "token", token } };
    }
}
