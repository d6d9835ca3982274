using DiffPlex;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;

namespace PgEtcd.Console.Texts;

/// <summary>Two values side by side.</summary>
/// <param name="Lines">The lines; long runs of unchanged ones are left out.</param>
/// <param name="IsTooLarge">Whether the values are too large to compare.</param>
public sealed record Comparison(IReadOnlyList<Comparison.Line> Lines, bool IsTooLarge)
{
    private const int MostBytes = 256 * 1024;
    private const int MostLines = 4000;
    private const int Context = 3;

    private static readonly SideBySideDiffBuilder Builder = new(new Differ());

    /// <summary>A part of a line.</summary>
    /// <param name="Text">The text.</param>
    /// <param name="IsChanged">Whether the part is on this side only.</param>
    public readonly record struct Part(string Text, bool IsChanged);

    /// <summary>One side of a line.</summary>
    /// <param name="Number">The line number, from 1; null if this side has no such line.</param>
    /// <param name="Kind">A class of the style sheet.</param>
    /// <param name="Parts">The text.</param>
    public sealed record Side(int? Number, string Kind, IReadOnlyList<Part> Parts);

    /// <summary>A line. If both sides are null, it stands for unchanged lines that are left out.</summary>
    /// <param name="Old">The old side.</param>
    /// <param name="New">The new side.</param>
    /// <param name="Skipped">The number of lines left out.</param>
    public sealed record Line(Side? Old, Side? New, int Skipped = 0);

    /// <summary>Compares two values, each in its best form.</summary>
    public static Comparison Of(byte[]? old, byte[]? now)
    {
        if ((old?.Length ?? 0) > MostBytes || (now?.Length ?? 0) > MostBytes)
        {
            return new Comparison([], IsTooLarge: true);
        }

        string left = old is null ? "" : ValueForms.Comparable(old);
        string right = now is null ? "" : ValueForms.Comparable(now);
        if (LinesOf(left) > MostLines || LinesOf(right) > MostLines)
        {
            return new Comparison([], IsTooLarge: true);
        }

        SideBySideDiffModel model = Builder.BuildDiffModel(left, right, ignoreWhitespace: false);
        List<Line> lines = [.. model.OldText.Lines.Zip(
            model.NewText.Lines, (before, after) => new Line(SideOf(before, "removed"), SideOf(after, "added")))];
        return new Comparison(Shortened(lines), IsTooLarge: false);
    }

    private static int LinesOf(string text) => text.AsSpan().Count('\n');

    private static Side SideOf(DiffPiece piece, string changed) => piece.Type switch
    {
        ChangeType.Imaginary => new Side(null, "none", []),
        ChangeType.Unchanged => new Side(piece.Position, "", [new Part(piece.Text ?? "", false)]),
        ChangeType.Modified when piece.SubPieces.Count > 0 => new Side(
            piece.Position,
            changed,
            [.. piece.SubPieces.Where(part => part.Type != ChangeType.Imaginary).Select(
                part => new Part(part.Text ?? "", part.Type != ChangeType.Unchanged))]),
        _ => new Side(piece.Position, changed, [new Part(piece.Text ?? "", false)]),
    };

    private static List<Line> Shortened(List<Line> lines)
    {
        List<Line> kept = [];
        int at = 0;
        while (at < lines.Count)
        {
            int end = at;
            while (end < lines.Count && lines[end].Old!.Kind.Length == 0 && lines[end].New!.Kind.Length == 0)
            {
                end++;
            }

            int before = at == 0 ? 0 : Context;
            int after = end == lines.Count ? 0 : Context;
            if (end - at > before + after + 1)
            {
                kept.AddRange(lines[at..(at + before)]);
                kept.Add(new Line(null, null, Skipped: end - at - before - after));
                kept.AddRange(lines[(end - after)..end]);
            }
            else
            {
                kept.AddRange(lines[at..end]);
            }

            at = end;
            while (at < lines.Count && (lines[at].Old!.Kind.Length > 0 || lines[at].New!.Kind.Length > 0))
            {
                kept.Add(lines[at++]);
            }
        }

        return kept;
    }
}
