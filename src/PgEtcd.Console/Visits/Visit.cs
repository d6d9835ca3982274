using System.Globalization;
using System.Text;
using PgEtcd.Console.Texts;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Visits;

/// <summary>A request for a page: the visitor, the page and the moment.</summary>
internal sealed class Visit(HttpContext context, Visitor visitor, Moment moment, ConsoleOptions options, Masks masks)
{
    /// <summary>The root of all addresses.</summary>
    public const string Root = "/ui";

    /// <summary>The request.</summary>
    public HttpContext Context => context;

    /// <summary>The person.</summary>
    public Visitor Visitor => visitor;

    /// <summary>The moment.</summary>
    public Moment Moment => moment;

    /// <summary>The set-up.</summary>
    public ConsoleOptions Options => options;

    /// <summary>The values that stay hidden.</summary>
    public Masks Masks => masks;

    /// <summary>Whether keys can be changed here at all.</summary>
    public bool IsWritable => options.Mode == ConsoleMode.ReadWrite;

    /// <summary>The browser has gone.</summary>
    public CancellationToken Gone => context.RequestAborted;

    /// <summary>The path below the root, e.g. "/keys".</summary>
    public string Path => context.Request.Path.Value![Root.Length..] is { Length: > 1 } path ? path : "/keys";

    /// <summary>The token for forms of this page.</summary>
    public string FormToken => field ??= Visits.FormToken.Of(context, visitor);

    /// <summary>A parameter of the address; empty counts as not given.</summary>
    public string? Text(string name) => context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>A parameter that is a key, a prefix or part of one.</summary>
    public byte[]? Bytes(string name) => Text(name) is { } text ? KeyText.Parse(text) : null;

    /// <summary>A parameter that is a number.</summary>
    public long? Number(string name) =>
        long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Makes sure that a range may be read.</summary>
    /// <exception cref="DeniedException">It may not.</exception>
    public void Demand(in KeyRange range)
    {
        if (!visitor.MayRead(range))
        {
            throw new DeniedException();
        }
    }

    /// <summary>Makes sure that the visitor may see everything.</summary>
    /// <exception cref="DeniedException">It may not.</exception>
    public void DemandRoot()
    {
        if (!visitor.IsRoot)
        {
            throw new DeniedException();
        }
    }

    /// <summary>An address of the same moment.</summary>
    /// <param name="path">Below the root, e.g. "/key".</param>
    /// <param name="parameters">Names and values; null ones are left out.</param>
    public string Link(string path, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        moment.At is { } at ? Address(path, [.. parameters, ("at", at)]) : Address(path, parameters);

    /// <summary>An address that names all of its parameters.</summary>
    /// <inheritdoc cref="Link"/>
    public static string Address(string path, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        StringBuilder address = new(Root + path);
        char separator = '?';
        foreach ((string name, object? value) in parameters)
        {
            string? text = value switch
            {
                null => null,
                byte[] bytes => KeyText.Of(bytes),
                IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                _ => value.ToString(),
            };
            if (text is not null)
            {
                address.Append(separator).Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(text));
                separator = '&';
            }
        }

        return address.ToString();
    }

    /// <summary>This page at another moment.</summary>
    /// <param name="at">The revision; null: the present.</param>
    public string At(long? at)
    {
        List<(string, object?)> parameters =
        [
            .. context.Request.Query.Where(pair => pair.Key is not ("at" or "from" or "before"))
                .Select(pair => (pair.Key, (object?)pair.Value.ToString())),
        ];
        if (at is not null)
        {
            parameters.Add(("at", at));
        }

        return Address(Path, [.. parameters]);
    }
}
