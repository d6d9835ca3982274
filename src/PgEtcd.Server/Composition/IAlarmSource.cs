using PgEtcd.Postgres.Alarms;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Composition;

/// <summary>The alarms that are raised, for the health pages and the metrics.</summary>
public interface IAlarmSource
{
    /// <summary>The alarms that are raised now, as far as this frontend knows; must not wait.</summary>
    IReadOnlyList<AlarmMember> Active { get; }

    /// <summary>How big the store may become before NOSPACE is raised; null: no limit.</summary>
    long? QuotaBytes { get; }
}

/// <summary>The alarms of a frontend's cluster. The member that raised one is not known here: they are shown as this member's.</summary>
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
