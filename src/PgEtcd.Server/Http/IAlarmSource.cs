using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Server.Http;

/// <summary>The alarms that are raised, for those who tell how the server is.</summary>
public interface IAlarmSource
{
    /// <summary>The alarms that are raised now, as far as this frontend knows; must not wait.</summary>
    IReadOnlyList<AlarmMember> Active { get; }

    /// <summary>How big the store may become before NOSPACE is raised; null: no limit.</summary>
    long? QuotaBytes { get; }
}

/// <summary>No alarm is ever raised.</summary>
internal sealed class NoAlarms : IAlarmSource
{
    public IReadOnlyList<AlarmMember> Active => [];

    public long? QuotaBytes => null;
}
