using PgEtcd.Postgres.Calls;

namespace PgEtcd.Frontend.Members;

/// <summary>The jobs of a cluster, such as the expiry of leases. Every frontend has them and only the leader runs them.</summary>
public sealed class LeaderJobs(Leader leader, TimeProvider clock, ILogger<LeaderJobs> logger)
{
    /// <summary>How long a job may take to stop.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);

    /// <summary>Guards the list. Last in the lock order (RunningFrontend).</summary>
    private readonly Lock _gate = new();
    private readonly List<Task> _jobs = [];

    /// <summary>Runs a job again and again while, and only while, this frontend leads.</summary>
    /// <param name="name">What it does, for the log.</param>
    /// <param name="period">Time from the end of one run to the next.</param>
    /// <param name="job">The job. Its token is cancelled when the leadership ends. An exception is logged, and the job runs again, after
    /// pauses that grow while it keeps failing.</param>
    /// <returns>Completes when the leader has resigned; need not be awaited.</returns>
    public Task RunWhileLeadingAsync(string name, TimeSpan period, Func<CancellationToken, Task> job)
    {
        Task loop = new BackgroundLoop(name, clock, logger).RunAsync(period, _ => RunOnceAsync(job), leader.Resigned);
        lock (_gate)
        {
            _jobs.Add(loop);
        }

        return loop;
    }

    /// <summary>Waits a second at most for the jobs to stop after <see cref="Leader.Resign"/>.</summary>
    public async Task StoppedAsync()
    {
        Task[] jobs;
        lock (_gate)
        {
            jobs = [.. _jobs];
        }

        await Task.WhenAll(jobs).WaitAsync(StopLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task RunOnceAsync(Func<CancellationToken, Task> job)
    {
        if (!leader.IsLeader)
        {
            return;
        }

        using CancellationTokenSource token = CancellationTokenSource.CreateLinkedTokenSource(leader.Resigned, leader.Term);
        try
        {
            await job(token.Token);
        }
        catch (OperationCanceledException) when (token.IsCancellationRequested)
        {
            // The leadership has ended.
        }
        catch
        {
            JobMetrics.FailedJobs.Add(1);
            throw;
        }
    }
}
