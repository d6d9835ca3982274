using Microsoft.Playwright;
using PgEtcd.Testing;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Debian's Chromium, shared by all tests; each has its own context with its own cookies.</summary>
internal static class Chromium
{
    private const string Program = "/usr/bin/chromium";

    private static readonly Lazy<Task<IBrowser>> Shared = new(StartAsync);

    /// <summary>An empty context.</summary>
    /// <param name="scheme">The preferred colour scheme.</param>
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
