using System.Globalization;
using System.Text;
using PgEtcd.Console.Texts;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Visits;

/// <summary>A request for a page: the visitor, the page and the moment.</summary>
internal sealed class Visit(HttpContext context, Visitor visitor, Moment moment, ConsoleOptions options, Masks masks)
{
    /// <summary>The path of the console.</summary>
    public const string Root = "/ui";

    /// <summary>The request.</summary>
    public HttpContext Context => context;

    public Visitor Visitor => visitor;

    public Moment Moment => moment;

    public ConsoleOptions Options => options;

    /// <summary>The keys whose values stay hidden.</summary>
    public Masks Masks => masks;

    /// <summary>Whether the console may change keys.</summary>
    public bool IsWritable => options.Mode == ConsoleMode.ReadWrite;

    /// <summary>Cancelled when the browser disconnects.</summary>
    public CancellationToken Gone => context.RequestAborted;

    /// <summary>The path below the root, e.g. "/keys".</summary>
    public string Path => context.Request.Path.Value![Root.Length..] is { Length: > 1 } path ? path : "/keys";

    /// <summary>The token for the forms of this page.</summary>
    public string FormToken => field ??= Visits.FormToken.Of(context, visitor);

    /// <summary>A query parameter; null if it is missing or empty.</summary>
    public string? Text(string name) => context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    /// <summary>A query parameter that is a key, a prefix or a part of a key.</summary>
    public byte[]? Bytes(string name) => Text(name) is { } text ? KeyText.Parse(text) : null;

    /// <summary>A query parameter that is a number; null if it is not.</summary>
    public long? Number(string name) =>
        long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Checks that the visitor may read a range.</summary>
    /// <exception cref="DeniedException">The visitor may not.</exception>
    public void Demand(in KeyRange range) => Demand(visitor.MayRead(range));

    /// <summary>Checks that the visitor has the rights of root.</summary>
    /// <exception cref="DeniedException">The visitor does not.</exception>
    public void DemandRoot() => Demand(visitor.IsRoot);

    /// <summary>Checks a condition of a permission.</summary>
    /// <exception cref="DeniedException">It is not met.</exception>
    public static void Demand(bool isPermitted)
    {
        if (!isPermitted)
        {
            throw new DeniedException();
        }
    }

    /// <summary>An address at the same moment.</summary>
    /// <param name="path">The path below the root, e.g. "/key".</param>
    /// <param name="parameters">Names and values; parameters with a null value are left out.</param>
    public string Link(string path, params ReadOnlySpan<(string Name, object? Value)> parameters) =>
        moment.At is { } at ? Address(path, [.. parameters, ("at", at)]) : Address(path, parameters);

    /// <summary>An address with these parameters only, without the moment.</summary>
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
    /// <param name="at">The revision; null for the present.</param>
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
