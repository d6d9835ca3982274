using System.Diagnostics.Metrics;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Server.Metrics;

namespace PgEtcd.Server.Pages;

/// <summary>One check of /livez or /readyz, counted.</summary>
/// <param name="type">livez or readyz.</param>
/// <param name="name">The subject of the check.</param>
/// <param name="run">Runs the check; returns the reason of a failure, or null.</param>
internal sealed class HealthCheck(string type, string name, Func<Task<string?>> run)
{
    private readonly UpDownCounter<long> _state = ServerMeter.Meter.UpDown(
        "etcd_server_healthcheck", "The result of each kind of healthcheck.", new("type", type), new("name", name));

    private readonly Counter<long> _successes = Counter(type, name, "success");
    private readonly Counter<long> _errors = Counter(type, name, "error");
    private int _wasFine;

    /// <summary>The subject of the check.</summary>
    public string Name { get; } = name;

    /// <summary>Runs the check.</summary>
    /// <returns>The reason of a failure, or null.</returns>
    public async Task<string?> RunAsync()
    {
        string? error = await run();
        int isFine = error is null ? 1 : 0;
        (error is null ? _successes : _errors).Add(1);
        _state.Add(isFine - Interlocked.Exchange(ref _wasFine, isFine));
        return error;
    }

    private static Counter<long> Counter(string type, string name, string status) => ServerMeter.Meter.Counter(
        "etcd_server_healthchecks_total", "The total number of each kind of healthcheck.",
        new("type", type), new("name", name), new("status", status));
}
