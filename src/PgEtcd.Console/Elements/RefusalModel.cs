namespace PgEtcd.Console.Elements;

/// <summary>Why a page is not shown.</summary>
/// <param name="Title">In a word or two.</param>
/// <param name="Sentence">In full.</param>
public sealed record RefusalModel(string Title, string Sentence);
