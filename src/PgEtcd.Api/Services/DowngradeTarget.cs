using System.Globalization;
using System.Text.RegularExpressions;
using Grpc.Core;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Services;

/// <summary>The target version of a downgrade, which must be the minor release before ours (semantics.md §10).</summary>
internal static partial class DowngradeTarget
{
    /// <summary>Checks the client's text: a version with or without a patch number.</summary>
    /// <returns>The version with patch number 0, as Status shows it: 3.5.0.</returns>
    /// <exception cref="RpcException">The text is not a version, or not the release before ours.</exception>
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
