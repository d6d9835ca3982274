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

    /// <summary>Waits until the page has an address and is loaded. The document is asked: Playwright's own waiting for a load misses one
    /// that ends between two of its steps.</summary>
    /// <param name="page">The page.</param>
    /// <param name="address">A pattern of the address.</param>
    public static async Task ArriveAsync(this IPage page, string address)
    {
        await page.WaitForURLAsync(address, new PageWaitForURLOptions { WaitUntil = WaitUntilState.Commit });
        await page.WaitForFunctionAsync("() => document.readyState === 'complete'");
    }

    /// <summary>Clicks, and waits until the next document is loaded.</summary>
    /// <param name="page">The page.</param>
    /// <param name="clicked">A button or link.</param>
    public static async Task LeaveAsync(this IPage page, ILocator clicked)
    {
        await page.EvaluateAsync("() => { window.isOld = true; }");
        await clicked.ClickAsync();
        await page.WaitForFunctionAsync("() => !window.isOld && document.readyState === 'complete'");
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
