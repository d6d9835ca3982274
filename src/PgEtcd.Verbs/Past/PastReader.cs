using System.Globalization;
using Npgsql;
using PgEtcd.Postgres;
using PgEtcd.Postgres.History;
using PgEtcd.Protocol;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary>Asks about the past, all in one snapshot, and turns refusals into sentences.</summary>
internal sealed class PastReader : IAsyncDisposable
{
    /// <summary>For the help of verbs that take a <see cref="RevisionAsync"/>.</summary>
    public const string MomentHelp =
        "A moment is a revision (42), a time as PostgreSQL reads it ('2026-02-01 12:00+00', yesterday), or how long ago (15m, 2h, 7d).";

    private readonly VerbDatabase _opened;
    private readonly PastQueries _past;

    private PastReader(VerbDatabase opened, PastQueries past)
    {
        _opened = opened;
        _past = past;
    }

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

    /// <summary>The present revision, and the first whose state can be told.</summary>
    public Task<(long Revision, long Oldest)> StatusAsync(CancellationToken cancellationToken) => _past.StatusAsync(cancellationToken);

    /// <summary>The revision that was meant.</summary>
    /// <param name="label">What the moment is called, for the message.</param>
    /// <param name="moment">See <see cref="MomentHelp"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CommandException">It is none, or in the future.</exception>
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
            await AskAsync(async past => found = Durations.Parse(moment) is { } ago
                ? await past.RevisionAsync(ago, cancellationToken)
                : await past.RevisionAsync(moment, cancellationToken));
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith("22", StringComparison.Ordinal))
        {
            throw new CommandException($"{label} must be a revision, a time or how long ago, not \"{shown}\".");
        }

        return found;
    }

    /// <summary>Asks.</summary>
    /// <exception cref="CommandException">A revision is compacted, or in the future.</exception>
    public async Task AskAsync(Func<PastQueries, Task> ask)
    {
        try
        {
            await ask(_past);
        }
        catch (PostgresException exception) when (exception.SqlState.StartsWith(PastQueries.RefusalState, StringComparison.Ordinal))
        {
            throw new CommandException($"{(exception.Detail ?? exception.MessageText).TrimEnd('.')}.");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _past.DisposeAsync();
        await _opened.DisposeAsync();
    }
}
