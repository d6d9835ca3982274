using System.Net;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PgEtcd.Api.Connections;

namespace PgEtcd.BlackBox.Tests.Tracing;

/// <summary>A span as received.</summary>
internal sealed record Span(
    string TraceId, string Id, string ParentId, string Name, IReadOnlyList<string> Links, IReadOnlyDictionary<string, string> Tags);

/// <summary>An OpenTelemetry collector: accepts OTLP over gRPC and over HTTP on one port and keeps the spans.</summary>
internal sealed class TraceCollector : IAsyncDisposable
{
    private const int FramePrefix = 5;

    private readonly WebApplication _app;
    private readonly List<Span> _spans = [];
    private readonly Dictionary<string, string> _resource = [];

    private TraceCollector()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttp1AndHttp2WithoutTls()));
        _app = builder.Build();
        _app.MapPost("/v1/traces", async (HttpContext context) =>
        {
            Take(await ReadAsync(context));
            context.Response.ContentType = "application/x-protobuf";
        });
        _app.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", async (HttpContext context) =>
        {
            Take((await ReadAsync(context))[FramePrefix..]);
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[FramePrefix]);
            context.Response.AppendTrailer("grpc-status", "0");
        });
    }

    /// <summary>host:port.</summary>
    public string Address => new Uri(
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Authority;

    /// <summary>The spans received so far.</summary>
    public IReadOnlyList<Span> Spans
    {
        get
        {
            lock (_spans)
            {
                return [.. _spans];
            }
        }
    }

    /// <summary>The resource attributes of the spans.</summary>
    public IReadOnlyDictionary<string, string> Resource
    {
        get
        {
            lock (_spans)
            {
                return new Dictionary<string, string>(_resource);
            }
        }
    }

    public static async Task<TraceCollector> StartAsync()
    {
        TraceCollector collector = new();
        await collector._app.StartAsync();
        return collector;
    }

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource impatient = new(TimeSpan.FromSeconds(1));
        await _app.StopAsync(impatient.Token);
        await _app.DisposeAsync();
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    // The messages of opentelemetry-proto, by field number.
    private void Take(byte[] request)
    {
        lock (_spans)
        {
            foreach (ByteString resourceSpans in Fields(request, 1))
            {
                foreach ((string key, string value) in Fields(resourceSpans, 1).SelectMany(resource => Tags(resource, 1)))
                {
                    _resource[key] = value;
                }

                _spans.AddRange(Fields(resourceSpans, 2).SelectMany(scopeSpans => Fields(scopeSpans, 2)).Select(Read));
            }
        }
    }

    private static Span Read(ByteString span) => new(
        Id(span, 1), Id(span, 2), Id(span, 4), Fields(span, 5).Single().ToStringUtf8(),
        [.. Fields(span, 13).Select(link => Id(link, 2))],
        Tags(span, 9).ToDictionary(tag => tag.Key, tag => tag.Value));

    private static string Id(ByteString message, int field) =>
        string.Concat(Fields(message, field).Take(1).Select(id => Convert.ToHexStringLower(id.Span)));

    private static IEnumerable<(string Key, string Value)> Tags(ByteString message, int field) => Fields(message, field).Select(tag =>
        (
            Fields(tag, 1).Single().ToStringUtf8(),
            Fields(tag, 2).SelectMany(value => Fields(value, 1)).SingleOrDefault()?.ToStringUtf8() ?? ""));

    private static List<ByteString> Fields(ByteString message, int field) => Fields(message.ToByteArray(), field);

    /// <summary>The values of a field that has a length.</summary>
    private static List<ByteString> Fields(byte[] message, int field)
    {
        List<ByteString> values = [];
        using CodedInputStream input = new(message);
        while (input.ReadTag() is not 0 and uint tag)
        {
            if (tag == WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited))
            {
                values.Add(input.ReadBytes());
            }
            else
            {
                input.SkipLastField();
            }
        }

        return values;
    }
}
