using System.Text.Json;
using System.Text.Json.Serialization;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Options of the log.</summary>
/// <param name="Level">The least severe level that is logged.</param>
/// <param name="IsJson">JSON lines like etcd's; else lines for people.</param>
/// <param name="Outputs">The outputs: stderr, stdout, systemd/journal, or the path of a file.</param>
/// <param name="Rotation">The rules for beginning a new file; null: never.</param>
/// <param name="SlowCommit">A batch of writes that takes longer to commit is logged as a warning.</param>
public sealed record LoggingOptions(
    LogLevel Level, bool IsJson, IReadOnlyList<string> Outputs, LogRotation? Rotation, TimeSpan SlowCommit)
{
    /// <exception cref="FlagException">A value is wrong.</exception>
    internal static LoggingOptions From(FlagValues values)
    {
        _ = values.OneOf(Flags.Logger, ("zap", true));
        IReadOnlyList<string> outputs = ReadOutputs(values);
        return new LoggingOptions(
            Level: values.OneOf(
                Flags.LogLevel, ("debug", LogLevel.Debug), ("info", LogLevel.Information), ("warn", LogLevel.Warning),
                ("error", LogLevel.Error), ("panic", LogLevel.Critical), ("fatal", LogLevel.Critical)),
            IsJson: values.OneOf(Flags.LogFormat, ("json", true), ("console", false)),
            outputs,
            Rotation: values.Switch(Flags.EnableLogRotation) ? ReadRotation(values, outputs) : null,
            SlowCommit: values.Duration(Flags.WarningApplyDuration));
    }

    private static string[] ReadOutputs(FlagValues values)
    {
        string[] outputs =
            [.. values.List(Flags.LogOutputs).Select(output => output == "default" ? "stderr" : output).Distinct()];
        return outputs.Length > 0 && outputs.All(output => !output.Contains('\0'))
            ? outputs
            : throw new FlagException(
                $"{values.Label(Flags.LogOutputs)} must be stderr, stdout, default, systemd/journal or paths of files.");
    }

    private static LogRotation ReadRotation(FlagValues values, IReadOnlyList<string> outputs)
    {
        if (outputs is not [var output] || output is "stderr" or "stdout" or "systemd/journal")
        {
            throw new FlagException($"{values.Label(Flags.EnableLogRotation)} needs --log-outputs to be the path of one file.");
        }

        LogRotation? rotation = null;
        try
        {
            rotation = JsonSerializer.Deserialize<LogRotation>(values.Text(Flags.LogRotationConfigJson));
        }
        catch (JsonException)
        {
            // Reported below.
        }

        return rotation is { MaxSize: >= 0, MaxAge: >= 0, MaxBackups: >= 0 }
            ? rotation
            : throw new FlagException(
                $"{values.Label(Flags.LogRotationConfigJson)} must be a JSON object such as {Flags.LogRotationConfigJson.Default}.");
    }
}

/// <summary>--log-rotation-config-json.</summary>
/// <param name="MaxSize">Megabytes after which a new file is begun. 0 counts as 100, as in etcd.</param>
/// <param name="MaxAge">Days to keep old files; 0: forever.</param>
/// <param name="MaxBackups">Number of old files to keep; 0: all.</param>
/// <param name="LocalTime">Old files are named by local time, not UTC.</param>
/// <param name="Compress">Old files are compressed.</param>
public sealed record LogRotation(
    [property: JsonPropertyName("maxsize")] int MaxSize = 100,
    [property: JsonPropertyName("maxage")] int MaxAge = 0,
    [property: JsonPropertyName("maxbackups")] int MaxBackups = 0,
    [property: JsonPropertyName("localtime")] bool LocalTime = false,
    [property: JsonPropertyName("compress")] bool Compress = false);
