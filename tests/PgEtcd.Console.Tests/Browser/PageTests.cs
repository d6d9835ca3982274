using Microsoft.Playwright;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Every page of a store with all kinds of content, in light and dark: checked by axe-core and kept as a picture. No page sends a
/// request to another machine.</summary>
public sealed class PageTests : IAsyncLifetime
{
    private Store _store = null!;

    public async Task InitializeAsync()
    {
        _store = await Store.StartAsync("--console=read-write", "--console-mask=*/secrets/*");
        await _store.PutAsync(
            "config/checkout",
            """{"name":"checkout","replicas":3,"features":{"newCart":false,"express":true},"limits":{"rps":250,"burst":400}}""");
        await _store.PutAsync(
            "config/checkout",
            """{"name":"checkout","replicas":5,"features":{"newCart":true,"express":true},"limits":{"rps":400,"burst":400}}""");
        await _store.PutAsync("config/mail", "host: smtp.internal\nport: 587\n");
        await _store.PutAsync("app/secrets/database", "hunter2-is-masked");
        for (int shop = 0; shop < 30; shop++)
        {
            await _store.PutAsync($"shops/{(shop % 2 == 0 ? "berlin" : "lyon")}/{shop:000}/status", shop % 3 == 0 ? "closed" : "open");
        }

        await _store.PutAsync("services/web/10.0.0.7:80", "alive", await _store.GrantAsync(600));
        foreach (string node in new[] { "node-a", "node-b" })
        {
            long lease = await _store.GrantAsync(900);
            await _store.PutAsync($"election/scheduler/{lease:x}", node, lease);
        }

        await _store.PutAsync("flags/banner", "yes");
        await _store.DeleteAsync("flags/banner");
        await _store.CallAsync("auth/user/add", new { name = "root", password = "rootpw" });
        await _store.CallAsync("auth/role/add", new { name = "shop" });
        await _store.CallAsync(
            "auth/role/grant",
            new { name = "shop", perm = new { permType = "READ", key = "shops/"u8.ToArray(), range_end = "shops0"u8.ToArray() } });
        await _store.CallAsync("auth/user/grant", new { user = "root", role = "shop" });
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [SkippableTheory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Every_page_is_accessible_and_loads_nothing_from_elsewhere(ColorScheme scheme)
    {
        IBrowserContext context = await Chromium.NewContextAsync(scheme);
        List<string> elsewhere = [];
        List<string> complaints = [];
        context.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(_store.Server.ClientUrl.ToString(), StringComparison.Ordinal))
            {
                elsewhere.Add(request.Url);
            }
        };
        IPage page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                complaints.Add(message.Text);
            }
        };
        page.PageError += (_, error) => complaints.Add(error);
        string pictures = Path.Combine(Repository.Root, "artifacts", "screenshots");
        Directory.CreateDirectory(pictures);
        foreach ((string name, string path, string text) in Pages)
        {
            await page.GotoAsync(_store.Page(path));
            (await page.Locator("main").InnerTextAsync()).ShouldContain(text, Case.Sensitive, name);
            await Axe.CheckAsync(page, $"{name}, {scheme}");
            await page.ScreenshotAsync(
                new PageScreenshotOptions { Path = Path.Combine(pictures, $"{name}-{scheme.ToString().ToLowerInvariant()}.png") });
        }

        elsewhere.ShouldBeEmpty();
        complaints.ShouldBeEmpty();
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task Pages_fit_a_phone()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.SetViewportSizeAsync(375, 800);
        foreach ((string name, string path, string _) in Pages)
        {
            await page.GotoAsync(_store.Page(path));
            (await page.EvaluateAsync<int>("() => document.documentElement.scrollWidth")).ShouldBeLessThanOrEqualTo(375, name);
        }

        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task The_tree_can_be_used_with_the_keyboard()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/keys"));
        await page.Keyboard.PressAsync("ArrowDown");
        string first = await Focused(page);
        for (int steps = 0; !(await Focused(page)).StartsWith("shops/", StringComparison.Ordinal); steps++)
        {
            steps.ShouldBeLessThan(20);
            await page.Keyboard.PressAsync("ArrowDown");
        }

        first.ShouldBe("app/");
        await page.Keyboard.PressAsync("ArrowRight");
        await page.Locator("#keys tr.d1").First.WaitForAsync();
        await page.Keyboard.PressAsync("ArrowDown");
        (await Focused(page)).ShouldBe("berlin/");
        await page.Keyboard.PressAsync("ArrowLeft");
        (await Focused(page)).ShouldBe("shops/");
        await page.Keyboard.PressAsync("ArrowLeft");
        (await page.Locator("#keys tr.d1").CountAsync()).ShouldBe(0);
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("lyon/001");
        await page.Keyboard.PressAsync("Enter");
        await page.ArriveAsync("**/ui/keys?q=*");
        (await page.Locator("#keys tbody tr").CountAsync()).ShouldBe(1);
        await context.CloseAsync();

        static Task<string> Focused(IPage page) => page.EvaluateAsync<string>("() => document.activeElement.innerText");
    }

    [SkippableFact]
    public async Task Masked_values_appear_nowhere()
    {
        long revision = await _store.PutAsync("app/secrets/database", "hunter3-is-masked");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        foreach (string path in new[]
        {
            "/keys?view=list", "/keys?prefix=app/secrets/", "/key?key=app/secrets/database",
            $"/key?key=app/secrets/database&at={revision - 1}",
            $"/key?key=app/secrets/database&a={revision - 1}&b={revision}", "/diff?from=1", "/activity", "/keys?q=hunter&values=1",
            $"/keys?q=hunter&values=1&at={revision - 1}", $"/restore?key=app/secrets/database&at={revision - 1}",
            "/edit?key=app/secrets/database", "/level?prefix=app/secrets/",
        })
        {
            await page.GotoAsync(_store.Page(path));
            (await page.ContentAsync()).ShouldNotContain("-is-masked", Case.Sensitive, path);
        }

        IAPIResponse raw = await context.APIRequest.GetAsync(_store.Page("/raw?key=app/secrets/database"));
        raw.Status.ShouldBe(404);
        (await raw.BodyAsync()).ShouldBeEmpty();
        await context.CloseAsync();
    }

    private static IEnumerable<(string Name, string Path, string Text)> Pages =>
    [
        ("keys", "/keys", "shops/"),
        ("list", "/keys?view=list", "shops/berlin/000/status"),
        ("search", "/keys?q=lyon", "shops/lyon/001/status"),
        ("key", "/key?key=config/checkout&a=2&b=3", "\"replicas\": 5"),
        ("deleted-key", "/key?key=flags/banner", "Deleted"),
        ("past", "/keys?prefix=config/&at=2", "changed since"),
        ("difference", "/diff?from=2&prefix=config/", "config/checkout"),
        ("activity", "/activity", "config/checkout"),
        ("leases", "/leases", "services/web/10.0.0.7:80"),
        ("locks", "/locks", "node-a"),
        ("cluster", "/cluster", "PostgreSQL"),
        ("access", "/access?user=root&key=shops/1", "may read"),
        ("edit", "/edit?key=config/mail", "Value"),
        ("restore", "/restore?prefix=config/&at=2", "Restore"),
        ("login", "/login", ""),
    ];
}
