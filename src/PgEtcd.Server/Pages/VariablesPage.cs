using System.Text.Json;
using PgEtcd.Api.Http;
using PgEtcd.Protocol;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Metrics;

namespace PgEtcd.Server.Pages;

/// <summary>/debug/vars: a few numbers about process and store, in the form of Go's expvar. It leaves out the command line, which may
/// hold a password.</summary>
internal sealed class VariablesPage(RunningFrontend frontend)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Answers a GET.</summary>
    public Task ServeAsync(HttpContext context)
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        Dictionary<string, object> variables = new()
        {
            ["etcd_version"] = ReleaseInfo.EtcdVersion,
            ["file_descriptor_limit"] = ProcessGauges.MaxFiles ?? -1,
            ["file_descriptors"] = ProcessGauges.OpenFiles,
            ["memstats"] = new Dictionary<string, long>
            {
                ["Alloc"] = GC.GetTotalMemory(forceFullCollection: false),
                ["HeapSys"] = memory.TotalCommittedBytes,
                ["NumGC"] = GC.CollectionCount(0),
                ["PauseTotalNs"] = (long)GC.GetTotalPauseDuration().TotalNanoseconds,
                ["TotalAlloc"] = GC.GetTotalAllocatedBytes(),
            },
            ["pgetcd"] = new Dictionary<string, object>
            {
                ["compact_revision"] = frontend.Reader.Current.CompactRevision,
                ["is_leader"] = frontend.Leader.IsLeader,
                ["keys"] = frontend.Reader.Current.Keys.Count,
                ["members"] = frontend.Membership.Current.Count,
                ["pending_writes"] = frontend.Committer.Pending,
                ["revision"] = frontend.Reader.Current.Revision,
                ["version"] = ReleaseInfo.PgEtcdVersion,
            },
        };
        return context.AnswerAsync(
            StatusCodes.Status200OK, "application/json; charset=utf-8", JsonSerializer.Serialize(variables, Indented) + "\n");
    }
}
