using Google.Protobuf.Reflection;

namespace PgEtcd.Api.Services;

/// <summary>The descriptors of the protocol, by what clients ask for.</summary>
internal sealed class DescriptorIndex
{
    private readonly Dictionary<string, FileDescriptor> _files = [];
    private readonly Dictionary<string, FileDescriptor> _symbols = [];
    private readonly SortedDictionary<(string Type, int Number), FileDescriptor> _extensions = [];

    /// <param name="files">What is served; what it imports is found.</param>
    public DescriptorIndex(params FileDescriptor[] files)
    {
        Services = [.. files.SelectMany(file => file.Services).Select(service => service.FullName).Order(StringComparer.Ordinal)];
        foreach (FileDescriptor file in files)
        {
            Add(file);
        }
    }

    /// <summary>The services that are served.</summary>
    public IReadOnlyList<string> Services { get; }

    /// <summary>The file of this name, or null.</summary>
    public FileDescriptor? File(string name) => _files.GetValueOrDefault(name);

    /// <summary>The file that declares this, or null.</summary>
    public FileDescriptor? Declaring(string symbol) => _symbols.GetValueOrDefault(symbol);

    /// <summary>The file that declares this extension, or null.</summary>
    public FileDescriptor? Extending(string type, int number) => _extensions.GetValueOrDefault((type, number));

    /// <summary>The numbers of a message's extensions; null when there is no such message.</summary>
    public IReadOnlyList<int>? ExtensionsOf(string type) =>
        _symbols.TryGetValue(type, out FileDescriptor? file) && Messages(file.MessageTypes).Any(message => message.FullName == type)
            ? [.. _extensions.Keys.Where(extension => extension.Type == type).Select(extension => extension.Number)]
            : null;

    private void Add(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file))
        {
            return;
        }

        foreach (FileDescriptor imported in file.Dependencies)
        {
            Add(imported);
        }

        foreach (string symbol in SymbolsOf(file))
        {
            _symbols[symbol] = file;
        }

        foreach (FieldDescriptor extension in Messages(file.MessageTypes)
            .SelectMany(message => message.Extensions.UnorderedExtensions)
            .Concat(file.Extensions.UnorderedExtensions))
        {
            _extensions[(extension.ExtendeeType.FullName, extension.FieldNumber)] = file;
            _symbols[extension.FullName] = file;
        }
    }

    private static IEnumerable<string> SymbolsOf(FileDescriptor file)
    {
        IEnumerable<MessageDescriptor> messages = [.. Messages(file.MessageTypes)];
        IEnumerable<EnumDescriptor> enums = file.EnumTypes.Concat(messages.SelectMany(message => message.EnumTypes));
        return messages
            .Concat<IDescriptor>(messages.SelectMany(message => message.Fields.InDeclarationOrder()))
            .Concat(messages.SelectMany(message => message.Oneofs))
            .Concat(enums)
            .Concat(file.Services)
            .Concat(file.Services.SelectMany(service => service.Methods))
            .Select(symbol => symbol.FullName)
            // The values of an enum are named as if they stood beside it.
            .Concat(enums.SelectMany(type => type.Values.Select(value => type.FullName[..^type.Name.Length] + value.Name)));
    }

    private static IEnumerable<MessageDescriptor> Messages(IEnumerable<MessageDescriptor> messages) =>
        messages.SelectMany(message => Messages(message.NestedTypes).Prepend(message));
}
