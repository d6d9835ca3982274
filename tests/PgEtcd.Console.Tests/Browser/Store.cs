using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using PgEtcd.Console.Texts;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>A frontend with a console, its store, and a client of the JSON gateway.</summary>
internal sealed class Store : IAsyncDisposable
{
    private readonly HttpClient _http = new();

    private Store(PgEtcdServer server, string database)
    {
        Server = server;
        Database = database;
    }

    public PgEtcdServer Server { get; }

    public string Database { get; }

    /// <summary>The token for calls, if set.</summary>
    public string? Token { get; set; }

    public static async Task<Store> StartAsync(params string[] flags)
    {
        PostgresFixture postgres = new();
        await postgres.InitializeAsync();
        return await StartOnAsync(await postgres.CreateStoreAsync(), "default", flags);
    }

    public static async Task<Store> StartOnAsync(string database, string name, params string[] flags) =>
        new(await PgEtcdServer.StartAsync(database, name: name, moreArguments: flags), database);

    /// <summary>An address of the console.</summary>
    public string Page(string path, params ReadOnlySpan<(string, string)> parameters)
    {
        StringBuilder address = new(new Uri(Server.ClientUrl, "/ui" + path).ToString());
        char separator = '?';
        foreach ((string name, string value) in parameters)
        {
            address.Append(separator).Append(name).Append('=').Append(Uri.EscapeDataString(value));
            separator = '&';
        }

        return address.ToString();
    }

    public Task<long> PutAsync(string key, string value, long lease = 0) =>
        PutAsync(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value), lease);

    public async Task<long> PutAsync(byte[] key, byte[] value, long lease = 0) =>
        Revision(await CallAsync("kv/put", new { key, value, lease }));

    public async Task<long> DeleteAsync(string key) =>
        Revision(await CallAsync("kv/deleterange", new { key = Encoding.UTF8.GetBytes(key) }));

    public async Task<string?> GetAsync(string key)
    {
        JsonElement answer = await CallAsync("kv/range", new { key = Encoding.UTF8.GetBytes(key) });
        return answer.TryGetProperty("kvs", out JsonElement found)
            ? Encoding.UTF8.GetString(found[0].GetProperty("value").GetBytesFromBase64())
            : null;
    }

    public async Task<long> GrantAsync(long ttl) =>
        long.Parse((await CallAsync("lease/grant", new { TTL = ttl })).GetProperty("ID").GetString()!, null);

    /// <summary>Adds the users root and alice, who may read and write keys that begin with shop/, and enables auth.</summary>
    public async Task EnableAuthAsync()
    {
        await CallAsync("auth/user/add", new { name = "root", password = "rootpw" });
        await CallAsync("auth/user/grant", new { user = "root", role = "root" });
        await CallAsync("auth/role/add", new { name = "shop" });
        await CallAsync(
            "auth/role/grant",
            new { name = "shop", perm = new { permType = "READWRITE", key = "shop/"u8.ToArray(), range_end = Ranges.End("shop/"u8) } });
        await CallAsync("auth/user/add", new { name = "alice", password = "alicepw" });
        await CallAsync("auth/user/grant", new { user = "alice", role = "shop" });
        await CallAsync("auth/enable", new { });
        Token = (await CallAsync("auth/authenticate", new { name = "root", password = "rootpw" })).GetProperty("token").GetString();
    }

    public async Task<JsonElement> CallAsync(string method, object request)
    {
        using HttpRequestMessage message = new(HttpMethod.Post, new Uri(Server.ClientUrl, "/v3/" + method))
        {
            Content = JsonContent.Create(request, options: JsonSerializerOptions.Default), // names as written here
        };
        if (Token is not null)
        {
            message.Headers.TryAddWithoutValidation("Authorization", Token);
        }

        using HttpResponseMessage answer = await _http.SendAsync(message);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Server.DisposeAsync();
    }

    private static long Revision(JsonElement answer) => long.Parse(answer.GetProperty("header").GetProperty("revision").GetString()!, null);
}
