using PgEtcd.Api.Hosting;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Server.Composition;

namespace PgEtcd.Server.Pages;

/// <summary>What can be found out about the server's health.</summary>
internal sealed class HealthProbe(KeyReader reader, Membership membership, IAlarmSource alarms, Func<IReadOnlyList<string>> notes)
{
    /// <summary>The alarms that are raised.</summary>
    public IReadOnlyList<AlarmMember> Alarms => alarms.Active;

    /// <summary>Whether the database, which is what etcd's leader is here, has been heard of within two seconds. That no
    /// frontend leads for a moment hinders no request.</summary>
    public bool HasLeader => membership.HearsDatabase;

    /// <summary>What does no harm at once and should be changed, in words.</summary>
    public IReadOnlyList<string> Notes => notes();

    /// <summary>What is wrong when the log has not been read for some seconds; null: it has.</summary>
    public string? Staleness => reader.IsFresh ? null : $"the log has not been read for {Tail.TrustLimit.TotalSeconds:0} s";

    /// <summary>Reads a key.</summary>
    /// <param name="serializable">From memory; else after asking the database.</param>
    /// <returns>What went wrong, in the words a client would get; null: nothing.</returns>
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

    /// <summary>An alarm's name.</summary>
    public static string NameOf(AlarmType alarm) => alarm switch
    {
        AlarmType.Nospace => "NOSPACE",
        AlarmType.Corrupt => "CORRUPT",
        _ => "UNKNOWN",
    };
}
