using PgEtcd.Postgres.Alarms;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Composition;

/// <summary>The alarms that are raised, for the health pages and the metrics.</summary>
public interface IAlarmSource
{
    /// <summary>The alarms that are raised as far as this frontend knows. Never waits.</summary>
    IReadOnlyList<AlarmMember> Active { get; }

    /// <summary>The size of the store at which NOSPACE is raised; null: no limit.</summary>
    long? QuotaBytes { get; }
}

/// <summary>The alarms of a frontend's cluster. They are shown as this member's, since the member that raised one is unknown
/// here.</summary>
internal sealed class FrontendAlarms(RunningFrontend frontend, ServerOptions options) : IAlarmSource
{
    public IReadOnlyList<AlarmMember> Active
    {
        get
        {
            AlarmKinds raised = frontend.Alarms.Raised;
            return raised == AlarmKinds.None
                ? []
                : [.. Types(raised).Select(type => new AlarmMember { MemberID = (ulong)frontend.Membership.Self.Id, Alarm = type })];
        }
    }

    public long? QuotaBytes => options.QuotaBackendBytes > 0 ? options.QuotaBackendBytes : null;

    private static IEnumerable<AlarmType> Types(AlarmKinds raised)
    {
        if (raised.HasFlag(AlarmKinds.NoSpace))
        {
            yield return AlarmType.Nospace;
        }

        if (raised.HasFlag(AlarmKinds.Corrupt))
        {
            yield return AlarmType.Corrupt;
        }
    }
}
