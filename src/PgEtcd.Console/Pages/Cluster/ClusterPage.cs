using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Pages.Cluster;

/// <summary>The frontends, PostgreSQL, compaction, alarms, and charts of this frontend.</summary>
internal sealed class ClusterPage(ConsoleParts parts, ServerBrowser server, Rates rates) : IPage
{
    public async Task<Answer> GetAsync(Visit visit)
    {
        visit.DemandRoot();
        return new PageAnswer("Cluster", typeof(ClusterView), new ClusterModel(
            await server.FrontendsAsync(visit.Gone),
            parts.Run,
            parts.Tail.Behind,
            parts.Reader.Current.Keys.Count,
            await server.FactsAsync(visit.Gone),
            await server.StatementsAsync(visit.Gone),
            await server.CompactionsAsync(visit.Gone),
            await parts.Alarms.ListAsync(),
            parts.Quota.Limit,
            rates.Read()));
    }
}

/// <summary>The model of the cluster page.</summary>
/// <param name="Run">This frontend's name in the history.</param>
/// <param name="Lag">Revisions that this frontend has heard of but not yet applied.</param>
/// <param name="Keys">Keys in the store.</param>
/// <param name="Quota">The quota in bytes; 0 for none.</param>
public sealed record ClusterModel(
    IReadOnlyList<SeenFrontend> Frontends, string Run, long Lag, long Keys, PostgresFacts Postgres, IReadOnlyList<SeenStatement> Statements,
    IReadOnlyList<SeenCompaction> Compactions, IReadOnlyList<Alarm> Alarms, long Quota, IReadOnlyList<Chart> Charts);
