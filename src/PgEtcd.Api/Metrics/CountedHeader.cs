namespace PgEtcd.Api.Metrics;

/// <summary>A header by whose values calls are counted, with a label <c>type</c> beside it: <c>unary</c> or <c>stream</c>.</summary>
/// <param name="Header">The header's name, lower-case.</param>
/// <param name="Label">What the label of its value is called. A call without the header has <c>unknown</c>.</param>
/// <param name="Counter">What the counter is called.</param>
/// <param name="Help">What it counts.</param>
public sealed record CountedHeader(string Header, string Label, string Counter, string Help);
