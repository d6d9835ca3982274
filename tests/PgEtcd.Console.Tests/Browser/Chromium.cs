using Microsoft.Playwright;
using PgEtcd.Testing;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Debian's Chromium, one for all tests; each has a context of its own, with cookies of its own.</summary>
internal static class Chromium
{
    private const string Program = "/usr/bin/chromium";

    private static readonly Lazy<Task<IBrowser>> Shared = new(StartAsync);

    /// <summary>A context with nothing in it.</summary>
    /// <param name="scheme">What the system prefers.</param>
    public static async Task<IBrowserContext> NewContextAsync(ColorScheme scheme = ColorScheme.Light)
    {
        Tool.Require(Program, "chromium");
        IBrowserContext context = await (await Shared.Value).NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = scheme,
            ViewportSize = new ViewportSize { Width = 1300, Height = 850 },
        });
        context.SetDefaultTimeout(30_000);
        return context;
    }

    private static async Task<IBrowser> StartAsync()
    {
        IPlaywright playwright = await Playwright.CreateAsync();
        return await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Program,
            Args = ["--no-sandbox", "--disable-gpu"],
        });
    }
}
