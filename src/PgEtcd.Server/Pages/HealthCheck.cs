using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Server.Metrics;

namespace PgEtcd.Server.Pages;

/// <summary>One check of /livez or /readyz, counted.</summary>
internal sealed class HealthCheck
{
    private readonly Func<Task<string?>> _run;
    private readonly UpDownCounter<long> _state;
    private readonly Counter<long> _successes;
    private readonly Counter<long> _errors;
    private int _wasFine;

    /// <param name="type">livez or readyz.</param>
    /// <param name="name">The subject of the check.</param>
    /// <param name="run">Runs the check; returns the reason of a failure, or null.</param>
    public HealthCheck(string type, string name, Func<Task<string?>> run)
    {
        Name = name;
        _run = run;
        KeyValuePair<string, object?>[] labels = [new("type", type), new("name", name)];
        _state = ServerMeter.Meter.UpDown("etcd_server_healthcheck", "The result of each kind of healthcheck.", labels);
        _successes = Counter("success");
        _errors = Counter("error");

        Counter<long> Counter(string status) => ServerMeter.Meter.Counter(
            "etcd_server_healthchecks_total", "The total number of each kind of healthcheck.", [.. labels, new("status", status)]);
    }

    /// <summary>The subject of the check.</summary>
    public string Name { get; }

    /// <summary>Runs the check.</summary>
    /// <returns>The reason of a failure, or null.</returns>
    public async Task<string?> RunAsync()
    {
        string? error = await _run();
        int isFine = error is null ? 1 : 0;
        (error is null ? _successes : _errors).Add(1);
        _state.Add(isFine - Interlocked.Exchange(ref _wasFine, isFine));
        return error;
    }
}
