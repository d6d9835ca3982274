using System.Collections.Frozen;
using System.Security.Cryptography;

namespace PgEtcd.Console.Elements;

/// <summary>A static file of the pages. Its address changes with its content, so that browsers may cache it.</summary>
internal sealed class Asset
{
    private const string Folder = "/assets/";

    private static readonly FrozenDictionary<string, Asset> All = new Asset[]
    {
        new("console.css", "text/css; charset=utf-8"),
        new("console.js", "text/javascript; charset=utf-8"),
        new("icon.svg", "image/svg+xml"),
    }.ToFrozenDictionary(asset => Folder + asset._name);

    private readonly string _name;
    private readonly string _type;
    private readonly byte[] _bytes;
    private readonly string _version;

    private Asset(string name, string type)
    {
        _name = name;
        _type = type;
        using Stream stream = typeof(Asset).Assembly.GetManifestResourceStream(name)!;
        _bytes = new byte[stream.Length];
        stream.ReadExactly(_bytes);
        _version = Convert.ToHexStringLower(SHA256.HashData(_bytes))[..12];
    }

    /// <summary>The asset at a path below the root; null if there is none.</summary>
    public static Asset? Find(string path) => All.GetValueOrDefault(path);

    public static string Address(string name) => $"/ui{Folder}{name}?v={All[Folder + name]._version}";

    public Task WriteAsync(HttpContext context)
    {
        context.Response.ContentType = _type;
        context.Response.ContentLength = _bytes.Length;
        context.Response.Headers.CacheControl = "max-age=31536000, immutable";
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(_bytes).AsTask();
    }
}
