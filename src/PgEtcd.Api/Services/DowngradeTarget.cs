using System.Globalization;
using System.Text.RegularExpressions;
using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Services;

/// <summary>The version that a client wants to go down to: only the minor release before ours will do (semantics.md §10).</summary>
internal static partial class DowngradeTarget
{
    /// <summary>Checks what the client wrote: a version with or without its patch.</summary>
    /// <returns>The version without its patch, as Status shows it: 3.5.0.</returns>
    /// <exception cref="RpcException">It is no version, or not the one before ours.</exception>
    public static string Check(string version)
    {
        Match parts = Version().Match(version);
        if (!parts.Success)
        {
            throw EtcdErrors.WrongDowngradeVersionFormat.ToException();
        }

        string[] ours = ReleaseInfo.ClusterVersion.Split('.');
        string allowed = (int.Parse(ours[1], CultureInfo.InvariantCulture) - 1).ToString(CultureInfo.InvariantCulture);
        return parts.Groups["major"].Value == ours[0] && parts.Groups["minor"].Value == allowed
            ? $"{ours[0]}.{allowed}.0"
            : throw EtcdErrors.InvalidDowngradeTargetVersion.ToException();
    }

    [GeneratedRegex(@"^(?<major>[0-9]+)\.(?<minor>[0-9]+)(\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)?\z")]
    private static partial Regex Version();
}
