namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>What a client knows of a call.</summary>
internal enum Outcome
{
    /// <summary>It was answered.</summary>
    Answered,

    /// <summary>It was answered from memory, as asked: true of its revision, which may be an old one.</summary>
    AnsweredFromMemory,

    /// <summary>It was refused, and has had no effect.</summary>
    Refused,

    /// <summary>It may have had its effect, or have it later.</summary>
    Unknown,
}

/// <summary>A request, and what became of it.</summary>
/// <param name="By">The client and its frontend, for messages.</param>
/// <param name="Outcome">What the client knows.</param>
/// <param name="Revision">That of the answer's header; 0 if none counts.</param>
/// <param name="Operations">What it did, or would have done, to each of its keys; all at once.</param>
internal sealed record Call(string By, Outcome Outcome, long Revision, params IReadOnlyList<Operation> Operations)
{
    public long Start => Operations[0].Start;

    public long End => Operations[0].End;

    /// <summary>Its revision is one of its own.</summary>
    public bool IsWrite => Outcome == Outcome.Answered && Operations.Any(operation => operation.Left is not null && operation.If is null);

    public override string ToString() =>
        $"{By} {Outcome} at revision {Revision}: {string.Join(", ", Operations.Select(operation => $"{operation.Key} {operation}"))}";
}
