namespace PgEtcd.Console.Elements;

/// <summary>Why a page is not shown.</summary>
/// <param name="Title">The reason in a word or two.</param>
/// <param name="Sentence">The reason in full.</param>
public sealed record RefusalModel(string Title, string Sentence);
