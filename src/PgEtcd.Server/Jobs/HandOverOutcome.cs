namespace PgEtcd.Server.Jobs;

/// <summary>What became of a wish that another frontend shall lead.</summary>
public enum HandOverOutcome
{
    /// <summary>It leads.</summary>
    Done,

    /// <summary>The leadership is not ours to give.</summary>
    NotLeader,

    /// <summary>No such frontend is alive.</summary>
    NoSuchMember,

    /// <summary>It was given the leadership and has not taken it in time; whoever comes first takes it.</summary>
    NotTaken,
}
