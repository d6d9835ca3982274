using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Watching;

/// <summary>A server on its own database, with the requests of watch tests. Every watch stream has its own connection, so that an
/// unread one blocks no other.</summary>
internal sealed class WatchedServer : IAsyncDisposable
{
    private readonly List<GrpcChannel> _channels = [];

    private WatchedServer(string database, PgEtcdServer server)
    {
        Database = database;
        Server = server;
        Kv = new Kv(server);
    }

    public string Database { get; }

    public PgEtcdServer Server { get; }

    public Kv Kv { get; }

    public static async Task<WatchedServer> StartAsync(PostgresFixture postgres, params string[] moreArguments) =>
        await StartAsync(await postgres.CreateStoreAsync(), moreArguments);

    /// <summary>Another frontend on the same database. It has no recent events, so replays come from the log.</summary>
    public Task<WatchedServer> AnotherAsync(params string[] moreArguments) => StartAsync(Database, moreArguments);

    /// <summary>A new stream.</summary>
    public WatchCall Open()
    {
        GrpcChannel channel = new(Server.ClientUrl);
        _channels.Add(channel);
        return new WatchCall(channel);
    }

    /// <summary>Watches on one stream and compares with the table: all events up to the present, once, in order.</summary>
    /// <param name="watches">By watch id, from 0, with start revisions of at least 1.</param>
    public async Task ShouldReplayAsync(params WatchCreateRequest[] watches)
    {
        await using WatchCall call = Open();
        Dictionary<long, WatchRecord> records = await CreateAsync(call, watches);
        await ShouldHaveSeenAsync(call, watches, records);
    }

    /// <summary>Creates watches on a stream, each with a record; the responses are not read yet.</summary>
    public static async Task<Dictionary<long, WatchRecord>> CreateAsync(WatchCall call, params WatchCreateRequest[] watches)
    {
        foreach (WatchCreateRequest watch in watches)
        {
            await call.CreateAsync(watch);
        }

        return watches.Select((watch, id) => (Record: new WatchRecord(watch.StartRevision), Id: (long)id)).ToDictionary(
            pair => pair.Id, pair => pair.Record);
    }

    /// <summary>Reads the stream up to the present and compares with the table.</summary>
    public async Task ShouldHaveSeenAsync(WatchCall call, WatchCreateRequest[] watches, Dictionary<long, WatchRecord> records)
    {
        LoggedHistory history = await LoggedHistory.ReadAsync(Database);
        await call.ReadUpToAsync(records, history.Head);
        for (int id = 0; id < watches.Length; id++)
        {
            WatchedEvent.Difference(history.Of(watches[id]), records[id].Events).ShouldBeNull($"{watches[id]}");
        }
    }

    /// <summary>Puts keys <c>prefix000000</c> and so on, a hundred per revision.</summary>
    public async Task FillAsync(string prefix, int count, int valueBytes)
    {
        ByteString value = ByteString.CopyFrom(Enumerable.Repeat((byte)'v', valueBytes).ToArray());
        foreach (int[] keys in Enumerable.Range(0, count).Chunk(100))
        {
            await Kv.SendAsync(
                Kv.Txn([.. keys.Select(key => Kv.Op(new PutRequest { Key = Kv.Bytes($"{prefix}{key:000000}"), Value = value }))]));
        }
    }

    /// <summary>Makes random writes below <c>a/</c> and <c>b/</c> with several writers: puts, deletes, transactions of many keys.</summary>
    public Task WriteAsync(int writers, int writes, int keys = 100) => Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
    {
        Random random = new(writer);
        for (int i = 0; i < writes; i++)
        {
            int first = random.Next(keys);
            int count = random.Next(3) == 0 ? random.Next(2, 20) : 1;
            await Kv.SendAsync(Kv.Txn([.. Enumerable.Range(first, count).Select(key => random.Next(4) == 0
                ? Kv.Op(Kv.Delete(Key(key % keys))) : Kv.Op(Kv.Put(Key(key % keys), $"{writer}.{i}")))]));
        }
    }));

    public async ValueTask DisposeAsync()
    {
        await Kv.DisposeAsync();
        foreach (GrpcChannel channel in _channels)
        {
            await channel.DisposeAsync();
        }

        await Server.DisposeAsync();
    }

    private static string Key(int number) => $"{(number % 2 == 0 ? 'a' : 'b')}/{number:000}";

    private static async Task<WatchedServer> StartAsync(string database, string[] moreArguments) =>
        new(database, await PgEtcdServer.StartAsync(database, moreArguments: moreArguments));
}
