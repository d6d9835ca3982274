using PgEtcd.Api.Hosting;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Server.Composition;

namespace PgEtcd.Server.Pages;

/// <summary>The facts about the server's health.</summary>
internal sealed class HealthProbe(KeyReader reader, Membership membership, Func<AlarmKinds> alarms, Func<IReadOnlyList<string>> notes)
{
    /// <summary>The names of the alarms that are raised as far as this frontend knows. Never waits.</summary>
    public IEnumerable<string> Alarms => alarms().Names();

    /// <summary>Whether the database, which stands for etcd's leader here, has answered within two seconds. A moment without a leading
    /// frontend affects no request.</summary>
    public bool HasLeader => membership.HearsDatabase;

    /// <summary>Sentences about conditions that do no harm at once and should be changed.</summary>
    public IReadOnlyList<string> Notes => notes();

    /// <summary>The complaint if the log has not been read for some seconds; else null.</summary>
    public string? Staleness => reader.IsFresh ? null : $"the log has not been read for {Tail.TrustLimit.TotalSeconds:0} s";

    /// <summary>Reads a key.</summary>
    /// <param name="serializable">Reads from memory; else only after asking the database.</param>
    /// <returns>The error in the words that a client would get, or null.</returns>
    public async Task<string?> ReadAsync(bool serializable)
    {
        try
        {
            await reader.RangeAsync(
                new RangeOperation { Key = "health"u8.ToArray(), Limit = 1, KeysOnly = true, Serializable = serializable });
            return null;
        }
        catch (Exception exception) when (EtcdApi.Explain(exception) is { } words)
        {
            return words;
        }
    }
}
