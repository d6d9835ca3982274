using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace PgEtcd.Server.Configuration;

/// <summary>A file of --config-file: YAML, which includes JSON, with flag names as keys, as etcd reads it (flags.md §0). The two TLS blocks
/// stand for the corresponding flags; a list counts as its items joined by commas; null and "" mean unset.</summary>
internal sealed class ConfigFile
{
    /// <summary>Twice the depth of a correct file, plus the events that begin the stream and the document.</summary>
    private const int Deepest = 10;

    private const string ClientBlock = "client-transport-security";
    private const string PeerBlock = "peer-transport-security";

    private readonly Dictionary<string, string> _values = [];
    private readonly Dictionary<string, string> _labels = [];

    private ConfigFile(string path) => Path = path;

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="label">How the file was named: --config-file or its variable.</param>
    /// <param name="path">The path.</param>
    /// <exception cref="FlagException">The file cannot be read, is not YAML, or has a key that is not a flag. The message holds no values,
    /// which may be passwords.</exception>
    public static ConfigFile Read(string label, string path)
    {
        ConfigFile file = new(path);
        YamlStream yaml = [];
        try
        {
            string text = File.ReadAllText(path);
            CheckDepth(text);
            yaml.Load(new StringReader(text));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FlagException($"{label}: {FlagValues.Shown(path)} cannot be read: {e.Message.Split('\n')[0].TrimEnd('.')}.");
        }
        catch (Exception e) when (e is YamlException or InvalidOperationException) // the latter for some invalid files
        {
            string where = e is YamlException malformed ? $": look at line {malformed.Start.Line}" : "";
            throw new FlagException($"{label}: {FlagValues.Shown(path)} is not valid YAML{where}.");
        }

        switch (yaml.Documents)
        {
            case [] or [{ RootNode: YamlScalarNode { Value: null or "" } }]:
                break; // an empty file
            case [{ RootNode: YamlMappingNode mapping }]:
                file.Add(mapping);
                break;
            default:
                throw new FlagException($"{label}: {FlagValues.Shown(path)} must hold one YAML mapping of flags to values.");
        }

        return file;
    }

    /// <summary>The value of a flag; null when it is unset.</summary>
    public string? Find(string name) => _values.GetValueOrDefault(name);

    /// <summary>The name, in a message, of a flag that is set in the file.</summary>
    public string LabelOf(string name) => $"{_labels[name]} in {FlagValues.Shown(Path)}";

    /// <summary>Refuses deep nesting: loading is recursive, so it would end the process.</summary>
    private static void CheckDepth(string text)
    {
        Parser parser = new(new StringReader(text));
        int depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > Deepest)
            {
                throw new YamlException(parser.Current.Start, parser.Current.End, "Nested too deeply.");
            }
        }
    }

    private void Add(YamlMappingNode mapping)
    {
        HashSet<string> known = [.. Flags.All.SelectMany(flag => flag.Names)];
        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string key = (keyNode as YamlScalarNode)?.Value ?? "";
            if (key is ClientBlock or PeerBlock)
            {
                AddBlock(key, value, known);
            }
            else if (known.Contains(key))
            {
                Add(key, key, value);
            }
            else
            {
                throw Unknown(key, known.Append(ClientBlock).Append(PeerBlock));
            }
        }
    }

    private void AddBlock(string block, YamlNode node, HashSet<string> known)
    {
        if (node is YamlScalarNode { Value: null or "" or "null" or "~" })
        {
            return;
        }

        if (node is not YamlMappingNode mapping)
        {
            throw new FlagException($"{block} in {FlagValues.Shown(Path)} must be a mapping.");
        }

        foreach ((YamlNode keyNode, YamlNode value) in mapping.Children)
        {
            string key = (keyNode as YamlScalarNode)?.Value ?? "";
            string name = block == ClientBlock
                ? key switch { "allowed-hostname" or "allowed-hostnames" => "client-cert-allowed-hostname", _ => key }
                : "peer-" + key switch { "allowed-cn" or "allowed-hostname" => "cert-" + key, _ => key };
            if (!known.Contains(name))
            {
                throw Unknown(key, Flags.All.Where(flag => flag.Group == FlagGroup.Security).Select(flag => flag.Name));
            }

            Add(name, $"{block}: {key}", value);
        }
    }

    private void Add(string name, string label, YamlNode node)
    {
        string value = node switch
        {
            YamlScalarNode { Style: ScalarStyle.Plain, Value: null or "null" or "Null" or "NULL" or "~" } => "",
            YamlScalarNode scalar => scalar.Value!,
            YamlSequenceNode list when list.All(item => item is YamlScalarNode) => string.Join(
                ',', list.Select(item => ((YamlScalarNode)item).Value)),
            _ => throw new FlagException($"{label} in {FlagValues.Shown(Path)} must be one value or a list of values."),
        };
        if (value.Length > 0 && _labels.TryAdd(name, label))
        {
            _values.Add(name, value);
        }
    }

    private FlagException Unknown(string key, IEnumerable<string> known) =>
        new(Spelling.Nearest(key, known) is { } near
            ? $"{FlagValues.Shown(Path)} has an unknown key {FlagValues.Shown(key)}: did you mean {near}?"
            : $"{FlagValues.Shown(Path)} has an unknown key {FlagValues.Shown(key)}: the keys are the flags of --help.");
}
