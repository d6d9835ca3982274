using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;

namespace PgEtcd.Chaos.Tests.Patroni;

/// <summary>One machine of a PostgreSQL cluster: Patroni and the PostgreSQL that it has started.</summary>
internal sealed class PatroniNode : IAsyncDisposable
{
    private static readonly HttpClient Http = new() { Timeout = TimeSpan.FromSeconds(5) };

    private readonly string _directory;
    private readonly TcpProxy _store;
    private readonly int _api = FreePort.Next();
    private ChildProcess? _patroni;

    /// <param name="name">The name in the cluster.</param>
    /// <param name="directory">The directory for all files of the node.</param>
    /// <param name="store">The port on 127.0.0.1 of the etcd that holds the cluster's state.</param>
    public PatroniNode(string name, string directory, int store)
    {
        Name = name;
        _directory = Directory.CreateDirectory(Path.Combine(directory, name)).FullName;
        _store = new TcpProxy(store);
    }

    public string Name { get; }

    /// <summary>The port of its PostgreSQL on 127.0.0.1.</summary>
    public int Port { get; } = FreePort.Next();

    private string DataDirectory => Path.Combine(_directory, "data");

    /// <summary>Starts Patroni on existing data, or without any.</summary>
    public async Task StartAsync()
    {
        string file = Path.Combine(_directory, "patroni.yml");
        await File.WriteAllTextAsync(file, Configuration());
        await PostgresBinaries.OwnAsync(_directory);
        (string program, IReadOnlyList<string> arguments) = PostgresBinaries.User("/usr/bin/patroni", file);
        _patroni = ChildProcess.Start($"patroni of {Name}", program, arguments, new Dictionary<string, string> { ["HOME"] = _directory });
    }

    /// <summary>The role of each member in this node's view: <c>leader</c>, <c>sync_standby</c>, <c>replica</c> …</summary>
    public async Task<Dictionary<string, string>> RolesAsync()
    {
        JsonElement cluster = await Http.GetFromJsonAsync<JsonElement>(Api("cluster"));
        return cluster.GetProperty("members").EnumerateArray()
            .Where(member => member.GetProperty("state").GetString() is "running" or "streaming")
            .ToDictionary(member => member.GetProperty("name").GetString()!, member => member.GetProperty("role").GetString()!);
    }

    /// <summary>Switches the cluster over from this node to another, as an operator does.</summary>
    public async Task SwitchOverAsync(PatroniNode candidate)
    {
        // PostAsJsonAsync would send no Content-Length, which Patroni needs.
        using StringContent request = new(JsonSerializer.Serialize(new { leader = Name, candidate = candidate.Name }));
        using HttpResponseMessage answer = await Http.PostAsync(Api("switchover"), request);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"switchover: {await answer.Content.ReadAsStringAsync()}\n{_patroni?.Output}");
        }
    }

    /// <summary>The machine loses its power.</summary>
    public async Task Kill9Async()
    {
        ProcessTree.Kill(_patroni!.Pid);
        Task<int> ended = _patroni.WaitForExitAsync();
        do
        {
            // Patroni may have been about to start it, in which case it starts a moment later.
            foreach (int pid in Postgres() is { } postmaster ? (int[])[postmaster, .. ProcessTree.ChildrenOf(postmaster)] : [])
            {
                ProcessTree.Kill(pid);
            }

            await Task.WhenAny(ended, Task.Delay(100));
        }
        while (!ended.IsCompleted);
        await ended;
    }

    /// <summary>Cuts the machine off from the store of the cluster's state, without a notification.</summary>
    public void CutOff() => _store.Pause();

    /// <summary>Restores the connection to the store.</summary>
    public void Reconnect() => _store.Resume();

    /// <summary>Patroni's last output.</summary>
    public override string ToString() => $"{Name}:\n{_patroni?.Output}";

    public async ValueTask DisposeAsync()
    {
        if (_patroni is not null)
        {
            if (!_patroni.HasExited)
            {
                await Kill9Async();
            }

            await _patroni.DisposeAsync();
        }

        await _store.DisposeAsync();
    }

    private Uri Api(string path) => new($"http://127.0.0.1:{_api}/{path}");

    /// <summary>The postmaster's process id, if it runs.</summary>
    private int? Postgres()
    {
        string file = Path.Combine(DataDirectory, "postmaster.pid");
        return File.Exists(file) && int.TryParse(File.ReadLines(file).First(), CultureInfo.InvariantCulture, out int pid)
            && Directory.Exists($"/proc/{pid}")
            ? pid
            : null;
    }

    private string Configuration() => $$"""
        scope: held
        name: {{Name}}
        restapi: { listen: '127.0.0.1:{{_api}}', connect_address: '127.0.0.1:{{_api}}' }
        etcd3: { host: '127.0.0.1:{{_store.Port}}', use_proxies: true }
        bootstrap:
          dcs:
            ttl: 10
            loop_wait: 2
            retry_timeout: 4
            synchronous_mode: true
            postgresql: { use_pg_rewind: true, parameters: { max_connections: 100, hot_standby: 'on', wal_log_hints: 'on' } }
          initdb: [encoding: UTF8, locale: C]
          pg_hba: ['host replication all 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 trust', 'local all all trust']
        postgresql:
          listen: 127.0.0.1:{{Port}}
          connect_address: 127.0.0.1:{{Port}}
          data_dir: {{DataDirectory}}
          bin_dir: {{PostgresBinaries.Directory}}
          pgpass: {{_directory}}/pgpass
          authentication:
            superuser: { username: postgres, password: any }
            replication: { username: replicator, password: any }
          parameters: { unix_socket_directories: '{{_directory}}' }
        """;
}
