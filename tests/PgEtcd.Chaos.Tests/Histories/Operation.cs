namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>One operation on one key, modelled as a register of a text.</summary>
/// <param name="Key">The key.</param>
/// <param name="Start">The time of the request, in ticks of the history's clock.</param>
/// <param name="End">The time of the answer; <see cref="Never"/> without one. Such an operation takes effect at any time after its
/// start, or never.</param>
/// <param name="Saw">The value found; null if there is no answer.</param>
/// <param name="If">The value to replace, while any other stays; null to replace any.</param>
/// <param name="Left">The value left; null if nothing is changed.</param>
internal sealed record Operation(string Key, long Start, long End, string? Saw = null, string? If = null, string? Left = null)
{
    /// <summary>The value of a key that does not exist.</summary>
    public const string Absent = "";

    /// <summary>The end of an operation without an answer.</summary>
    public const long Never = long.MaxValue;

    public bool IsOpen => End == Never;

    /// <summary>The value after the operation, on this value; null if the operation saw another value and so cannot come here.</summary>
    public string? After(string value) =>
        Saw is not null && Saw != value ? null
        : If is not null && If != value ? value
        : Left ?? value;

    public override string ToString() =>
        $"[{Start}, {(IsOpen ? "never" : $"{End}")}]{Part(" saw", Saw)}{Part(" if", If)}{Part(" left", Left)}";

    private static string Part(string name, string? value) => value is null ? "" : $"{name} {(value == Absent ? "nothing" : value)}";
}
