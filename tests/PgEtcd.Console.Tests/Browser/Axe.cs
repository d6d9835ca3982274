using System.Text.Json;
using Microsoft.Playwright;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>axe-core, installed from npm once per checkout.</summary>
internal static class Axe
{
    private const string Version = "4.11.0";

    private static readonly Lazy<Task<string>> Source = new(FetchAsync);

    /// <summary>Checks that a page has no serious violation.</summary>
    public static async Task CheckAsync(IPage page, string what)
    {
        await page.EvaluateAsync(await Source.Value);
        JsonElement? result = await page
            .EvaluateAsync("async () => (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })).violations"
            + ".filter(one => one.impact === 'serious' || one.impact === 'critical')"
            + ".map(one => one.id + ': ' + one.nodes.map(node => node.html + ' ' + node.failureSummary).slice(0, 3).join(' | '))");
        result!.Value.EnumerateArray().Select(violation => violation.GetString()).ShouldBeEmpty(what);
    }

    private static async Task<string> FetchAsync()
    {
        Tool.Require("/usr/bin/npm", "npm");
        string directory = Path.Combine(Repository.Root, "artifacts", "npm", $"axe-core-{Version}");
        string file = Path.Combine(directory, "package", "axe.min.js");
        if (!File.Exists(file))
        {
            Directory.CreateDirectory(directory);
            await Command.CheckAsync("/usr/bin/npm", "pack", "--silent", "--pack-destination", directory, $"axe-core@{Version}");
            await Command.CheckAsync("/usr/bin/tar", "-xzf", Path.Combine(directory, $"axe-core-{Version}.tgz"), "-C", directory);
        }

        return await File.ReadAllTextAsync(file);
    }
}
