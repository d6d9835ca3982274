using PgEtcd.Testing;

namespace PgEtcd.BlackBox.Tests.Tls;

internal static class SaidExtensions
{
    /// <summary>Waits until the server has logged something at least so many times.</summary>
    public static Task SaysAsync(this PgEtcdServer server, string text, int times = 1) => Eventually.TrueAsync(
        () => server.CountOf(text) >= times, TimeSpan.FromSeconds(15), $"the server says \"{text}\" {times} times, not:\n{server.Output}");

    /// <summary>How many lines hold a text.</summary>
    public static int CountOf(this PgEtcdServer server, string text) =>
        server.Output.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));
}
