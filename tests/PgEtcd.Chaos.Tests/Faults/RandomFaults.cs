using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>Injects faults into three frontends and their PostgreSQL, in an order given by a seed. Faults of frontends and of the
/// database run side by side, so that they overlap in all combinations. Each side uses all of its faults before it repeats one.</summary>
internal sealed class RandomFaults(WatchedCluster cluster, PostgresServer postgres, History history, int seed)
{
    private readonly Random _frontendRandom = new(seed);
    private readonly Random _databaseRandom = new(seed + 1);
    private readonly ConcurrentQueue<string> _told = new();

    /// <summary>The faults so far, with their times.</summary>
    public string Told => string.Join('\n', _told);

    /// <summary>Injects faults until cancelled; everything works again at the end.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(
        RepeatAsync(_frontendRandom, [KillAsync, FreezeAsync], stop),
        RepeatAsync(_databaseRandom, [CutAsync, RestartAsync, PauseAsync], stop));

    private static async Task RepeatAsync(Random random, Func<Random, Task>[] faults, CancellationToken stop)
    {
        while (true)
        {
            random.Shuffle(faults);
            foreach (Func<Random, Task> fault in faults)
            {
                // Clients work between two faults.
                await Task.Delay(random.Next(200, 2500), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (stop.IsCancellationRequested)
                {
                    return;
                }

                await fault(random);
            }
        }
    }

    /// <summary>Kills a frontend and starts it again.</summary>
    private async Task KillAsync(Random random)
    {
        int frontend = random.Next(3);
        Tell($"frontend {frontend} is killed");
        cluster.ExpectOutage();
        await cluster.KillAsync(frontend);
        await Task.Delay(random.Next(1000)); // the duration of the outage follows from the seed
        await Eventually.TrueAsync(() => StartAsync(frontend), $"frontend {frontend} starts");
        Tell($"frontend {frontend} is back");
    }

    /// <summary>Starts a frontend as a supervisor does: a frontend that loses its database during its start ends.</summary>
    /// <returns>False if the frontend has ended.</returns>
    private async Task<bool> StartAsync(int frontend)
    {
        try
        {
            await cluster.StartAsync(frontend);
            return true;
        }
        catch (GaveUpException ended)
        {
            Tell(ended.Message);
            return false;
        }
    }

    /// <summary>Freezes a frontend for longer than a term of leadership.</summary>
    private async Task FreezeAsync(Random random)
    {
        int frontend = random.Next(3);
        Tell($"frontend {frontend} is frozen");
        ChildProcess process = cluster.Frontends[frontend].Process;
        process.Signal(UnixSignal.Stop);
        await Task.Delay(random.Next(2500, 5000)); // the duration of the freeze follows from the seed
        process.Signal(UnixSignal.Continue);
        Tell($"frontend {frontend} goes on");
    }

    /// <summary>Cuts about half of the connections to the database.</summary>
    private async Task CutAsync(Random random)
    {
        Tell("connections are cut");
        await using NpgsqlConnection connection = new(postgres.SocketConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using NpgsqlCommand cut = new("""
            select count(pg_terminate_backend(pid)) from pg_stat_activity
            where backend_type = 'client backend' and pid <> pg_backend_pid() and random() < 0.5
            """, connection);
        await cut.ExecuteScalarAsync();
    }

    private async Task RestartAsync(Random random)
    {
        Tell("PostgreSQL is stopped at once");
        await postgres.StopAtOnceAsync();
        await Task.Delay(random.Next(1000)); // the duration of the outage follows from the seed
        await postgres.RestartAsync();
        Tell("PostgreSQL is back");
    }

    private async Task PauseAsync(Random random)
    {
        Tell("PostgreSQL is frozen");
        postgres.Freeze(true);
        await Task.Delay(random.Next(500, 4000)); // the duration of the freeze follows from the seed
        postgres.Freeze(false);
        Tell("PostgreSQL goes on");
    }

    private void Tell(string what) =>
        _told.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromTicks(history.Now).TotalSeconds,7:0.00} s: {what}"));
}
