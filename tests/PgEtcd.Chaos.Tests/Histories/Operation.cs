namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>One operation on one key, which is a register that holds a text.</summary>
/// <param name="Key">The key.</param>
/// <param name="Start">The moment of the request, in ticks of the history's clock.</param>
/// <param name="End">The moment of the answer; <see cref="Never"/> without one. Such an operation takes effect at any moment after its
/// start, or not at all.</param>
/// <param name="Saw">The value that it found; null if no answer tells.</param>
/// <param name="If">The value that it replaces: any other stays. Null if it replaces any.</param>
/// <param name="Left">The value that it leaves; null if it changes nothing.</param>
internal sealed record Operation(string Key, long Start, long End, string? Saw = null, string? If = null, string? Left = null)
{
    /// <summary>The value of a key that does not exist.</summary>
    public const string Absent = "";

    /// <summary>The end of an operation without an answer.</summary>
    public const long Never = long.MaxValue;

    public bool IsOpen => End == Never;

    /// <summary>The value after it, at a key with this value; null if it saw another value and so cannot come here.</summary>
    public string? After(string value) =>
        Saw is not null && Saw != value ? null
        : If is not null && If != value ? value
        : Left ?? value;

    public override string ToString() =>
        $"[{Start}, {(IsOpen ? "never" : $"{End}")}]{Part(" saw", Saw)}{Part(" if", If)}{Part(" left", Left)}";

    private static string Part(string name, string? value) => value is null ? "" : $"{name} {(value == Absent ? "nothing" : value)}";
}
