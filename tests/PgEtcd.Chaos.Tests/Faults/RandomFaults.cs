using System.Collections.Concurrent;
using System.Globalization;
using Npgsql;
using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>Brings faults upon three frontends and their PostgreSQL, in an order that follows from a seed. Those of frontends and those
/// of the database come side by side, so that each meets each in time. All of one side come once before one comes again.</summary>
internal sealed class RandomFaults(WatchedCluster cluster, PostgresServer postgres, History history, int seed)
{
    private readonly Random _frontendRandom = new(seed);
    private readonly Random _databaseRandom = new(seed + 1);
    private readonly ConcurrentQueue<string> _told = new();

    /// <summary>What was done, and when.</summary>
    public string Told => string.Join('\n', _told);

    /// <summary>Goes on until told to stop; everything works again at the end.</summary>
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
                // Work between two faults.
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
        await Task.Delay(random.Next(1000)); // how long it is away follows from the seed
        await Eventually.TrueAsync(() => StartAsync(frontend), $"frontend {frontend} starts");
        Tell($"frontend {frontend} is back");
    }

    /// <summary>Starts a frontend as a supervisor does: one that loses its database during its start ends.</summary>
    /// <returns>False if it has ended.</returns>
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

    /// <summary>Freezes a frontend for longer than a leadership lasts.</summary>
    private async Task FreezeAsync(Random random)
    {
        int frontend = random.Next(3);
        Tell($"frontend {frontend} is frozen");
        ChildProcess process = cluster.Frontends[frontend].Process;
        process.Signal(UnixSignal.Stop);
        await Task.Delay(random.Next(2500, 5000)); // how long it is frozen follows from the seed
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
        await Task.Delay(random.Next(1000)); // how long it is away follows from the seed
        await postgres.RestartAsync();
        Tell("PostgreSQL is back");
    }

    private async Task PauseAsync(Random random)
    {
        Tell("PostgreSQL is frozen");
        postgres.Freeze(true);
        await Task.Delay(random.Next(500, 4000)); // how long it is frozen follows from the seed
        postgres.Freeze(false);
        Tell("PostgreSQL goes on");
    }

    private void Tell(string what) =>
        _told.Enqueue(string.Create(CultureInfo.InvariantCulture, $"{TimeSpan.FromTicks(history.Now).TotalSeconds,7:0.00} s: {what}"));
}
