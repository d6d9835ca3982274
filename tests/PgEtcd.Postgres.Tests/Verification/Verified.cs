using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Verification;

namespace PgEtcd.Postgres.Tests.Verification;

/// <summary>Runs the verifier like the verb.</summary>
internal static class Verified
{
    /// <returns>Each violation as "invariant: sentence".</returns>
    public static async Task<string[]> OfAsync(Database database)
    {
        await using Verifier verifier = await Verifier.OpenAsync(database, CancellationToken.None);
        await verifier.CheckLogAsync(_ => { }, CancellationToken.None);
        await verifier.CheckKeysAsync(_ => { }, CancellationToken.None);
        await verifier.CheckCurrentStateAsync(_ => { }, CancellationToken.None);
        return [.. Invariant.All.SelectMany(invariant => verifier.Findings.Of(invariant).Told.Select(told => $"{invariant.Name}: {told}"))];
    }
}
