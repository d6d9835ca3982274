namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>A client's knowledge of a call.</summary>
internal enum Outcome
{
    /// <summary>The call was answered.</summary>
    Answered,

    /// <summary>The call was answered from memory, as requested: correct for its revision, which may be an old one.</summary>
    AnsweredFromMemory,

    /// <summary>The call was refused and had no effect.</summary>
    Refused,

    /// <summary>The call may have had its effect, or may have it later.</summary>
    Unknown,
}

/// <summary>A request and its outcome.</summary>
/// <param name="By">The client and its frontend, for messages.</param>
/// <param name="Outcome">The client's knowledge.</param>
/// <param name="Revision">The revision of the answer's header; 0 if none counts.</param>
/// <param name="Operations">The effect, actual or possible, on each key; all at once.</param>
internal sealed record Call(string By, Outcome Outcome, long Revision, params IReadOnlyList<Operation> Operations)
{
    public long Start => Operations[0].Start;

    public long End => Operations[0].End;

    /// <summary>Whether the call made a revision of its own.</summary>
    public bool IsWrite => Outcome == Outcome.Answered && Operations.Any(operation => operation.Left is not null && operation.If is null);

    public override string ToString() =>
        $"{By} {Outcome} at revision {Revision}: {string.Join(", ", Operations.Select(operation => $"{operation.Key} {operation}"))}";
}
