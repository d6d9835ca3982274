using System.Globalization;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PgEtcd.Postgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Protocol;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary>Queries the past in one snapshot, and turns refusals into sentences.</summary>
internal sealed class PastReader(VerbDatabase opened, PastQueries past) : IAsyncDisposable
{
    /// <summary>Help for verbs with an argument for <see cref="RevisionAsync"/>.</summary>
    public const string MomentHelp =
        "A moment is a revision (42), a time as PostgreSQL reads it ('2026-02-01 12:00+00', yesterday), or how long ago (15m, 2h, 7d).";

    public static async Task<PastReader> OpenAsync(VerbTarget options, CancellationToken cancellationToken)
    {
        VerbDatabase opened = await VerbDatabase.OpenAsync(options, SchemaUse.Check, cancellationToken);
        try
        {
            return new PastReader(opened, await PastQueries.OpenAsync(opened.Database, cancellationToken));
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>The store.</summary>
    public Database Database => opened.Database;

    /// <summary>The current revision, and the first whose state is known.</summary>
    public Task<(long Revision, long Oldest)> StatusAsync(CancellationToken cancellationToken) => past.StatusAsync(cancellationToken);

    /// <summary>The revision of a moment.</summary>
    /// <param name="label">The name of the moment in messages.</param>
    /// <param name="moment">See <see cref="MomentHelp"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CommandException">The text is not a moment, or the moment is in the future.</exception>
    public async Task<long> RevisionAsync(string label, string moment, CancellationToken cancellationToken)
    {
        string shown = Printable.Given(moment);
        if (moment.Length > 0 && moment.All(char.IsAsciiDigit))
        {
            return long.TryParse(moment, NumberStyles.None, CultureInfo.InvariantCulture, out long revision)
                ? revision
                : throw new CommandException($"{label}: there is no revision \"{shown}\".");
        }

        long found = 0;
        try
        {
            await AskAsync(async queries => found = Durations.Parse(moment) is { } ago
                ? await queries.RevisionAsync(ago, cancellationToken)
                : await queries.RevisionAsync(moment, cancellationToken));
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            throw new CommandException($"{label} must be a revision, a time or how long ago, not \"{shown}\".");
        }

        return found;
    }

    /// <summary>Runs a query.</summary>
    /// <exception cref="CommandException">A revision is compacted, or in the future.</exception>
    public async Task AskAsync(Func<PastQueries, Task> ask)
    {
        try
        {
            await ask(past);
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith(PastQueries.RefusalState, StringComparison.Ordinal))
        {
            throw new CommandException($"{(exception.Detail ?? exception.MessageText).TrimEnd('.')}.");
        }
    }

    /// <summary>Follows the changes after this reader's snapshot until it is cancelled.</summary>
    /// <param name="key">The key or the prefix.</param>
    /// <param name="isPrefix">Whether it is a prefix.</param>
    /// <param name="show">Called with changes that came together.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CommandException">Changes were removed before they could be shown.</exception>
    public async Task FollowAsync(byte[] key, bool isPrefix, Action<List<HistoryRow>> show, CancellationToken cancellationToken)
    {
        (long shown, _) = await past.StatusAsync(cancellationToken);
        await past.DisposeAsync(); // it holds vacuum back
        show([]);
        LogListener listener = new(Database, new RevisionLog(Database, "history"), NullLogger<LogListener>.Instance);
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ExceptionDispatchInfo? end = null;
        try
        {
            await listener.RunAsync(ShowLaterAsync, ended.Token);
        }
        catch (OperationCanceledException) when (end is not null)
        {
            // The reason is reported below.
        }

        end?.Throw();
        cancellationToken.ThrowIfCancellationRequested();

        // The listener goes on after an exception, which is right for a server: so this one is kept.
        async Task ShowLaterAsync(long? _)
        {
            try
            {
                (List<HistoryRow> later, shown) = await Database.Retry.ExecuteAsync(
                    async cancel => await LaterAsync(key, isPrefix, shown, cancel), ended.Token);
                if (later.Count > 0)
                {
                    show(later);
                }
            }
            catch (Exception exception) when (!ended.IsCancellationRequested)
            {
                end = ExceptionDispatchInfo.Capture(exception);
                await ended.CancelAsync();
            }
        }
    }

    /// <summary>Runs a restore whose plan was shown.</summary>
    /// <returns>The revision of the restore; null if nothing differs.</returns>
    /// <exception cref="CommandException">The keys have changed since, or puts are refused.</exception>
    public async Task<long?> RestoreAsync(Restore restore, CancellationToken cancellationToken)
    {
        try
        {
            return await restore.RunAsync(Database, cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith(PastQueries.RefusalState, StringComparison.Ordinal))
        {
            string why = exception.Detail is { } detail ? $" ({detail.TrimEnd('.')})" : "";
            throw new CommandException($"{exception.MessageText}{why}: nothing was restored.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await past.DisposeAsync();
        await opened.DisposeAsync();
    }

    private async Task<(List<HistoryRow> Rows, long Revision)> LaterAsync(
        byte[] key, bool isPrefix, long after, CancellationToken cancellationToken)
    {
        await using PastQueries now = await PastQueries.OpenAsync(Database, cancellationToken);
        (long revision, long oldest) = await now.StatusAsync(cancellationToken);
        List<HistoryRow> rows = [];
        if (oldest > after + 1)
        {
            throw new CommandException(
                $"Some changes after revision {after} are gone; the oldest known state is that of revision {oldest}.");
        }

        if (revision > after)
        {
            await now.LaterAsync(key, isPrefix, after, rows.Add, cancellationToken);
        }

        return (rows, revision);
    }
}
