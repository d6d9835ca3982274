using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>With auth on, a visitor without a login gets the login page, and a user sees exactly what a Range would return.</summary>
public sealed class LoginTests : IAsyncLifetime
{
    private Store _store = null!;
    private long _then;

    public async Task InitializeAsync()
    {
        _store = await Store.StartAsync("--console=read-write", "--auth-token-ttl=600", "--bcrypt-cost=4");
        await _store.PutAsync("shop/1", "open to alice");
        await _store.PutAsync("secret/1", "hidden-from-alice");
        // One revision changes a key that alice may read and one that she may not.
        await _store.CallAsync("kv/txn", new
        {
            success = new[]
            {
                new { requestPut = new { key = "shop/2"u8.ToArray(), value = "also open"u8.ToArray() } },
                new { requestPut = new { key = "secret/2"u8.ToArray(), value = "hidden-too"u8.ToArray() } },
            },
        });
        _then = await _store.PutAsync("secret/1", "hidden-from-alice still");
        await _store.PutAsync("secret/leased", "hidden-lease", await _store.GrantAsync(600));
        long lease = await _store.GrantAsync(600);
        await _store.PutAsync($"secret/lock/{lease:x}", "hidden-holder", lease);
        await _store.EnableAuthAsync();
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [SkippableFact]
    public async Task A_user_of_one_prefix_sees_nothing_else_anywhere()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/keys"));
        page.Url.ShouldContain("/ui/login");
        await LogInAsync(page, "alice", "wrong");
        (await page.Locator("[role=alert]").InnerTextAsync()).ShouldContain("Wrong name or password");
        await LogInAsync(page, "alice", "alicepw");
        (await page.Locator("main").InnerTextAsync()).ShouldContain("Your roles let you read these");
        await page.GetByText("shop/").First.ClickAsync();
        (await page.Locator("main").InnerTextAsync()).ShouldContain("open to alice");

        // The pages of her keys show nothing of other keys.
        foreach (string path in new[]
        {
            "/keys?prefix=shop/", $"/keys?prefix=shop/&at={_then}", "/key?key=shop/2", "/activity?prefix=shop/",
            "/diff?prefix=shop/&from=1", "/leases", "/locks",
            "/keys?prefix=shop/&q=o&values=1", "/activity?prefix=shop/&revision=4",
        })
        {
            IResponse? answer = await page.GotoAsync(_store.Page(path));
            answer!.Status.ShouldBe(200, path);
            string content = await page.ContentAsync();
            content.ShouldNotContain("secret", Case.Sensitive, path);
            content.ShouldNotContain("hidden-", Case.Sensitive, path);
            content.ShouldNotContain("127.0.0.1:", Case.Sensitive, path);
        }

        // Other keys are refused, on every page and in the past too.
        foreach (string path in new[]
        {
            "/keys?prefix=secret/", "/keys?prefix=secret/&view=list", "/keys?start=a&end=z", "/keys?q=hidden&values=1", "/level?prefix=",
            "/level?prefix=secret/",
            "/key?key=secret/1", $"/key?key=secret/1&at={_then}", $"/key?key=secret/1&a=3&b={_then}", "/raw?key=secret/1", "/diff?from=1",
            "/diff?prefix=secret/&from=1",
            "/activity", "/activity?prefix=secret/", "/activity?revision=4", "/tail?prefix=", "/tail?prefix=secret/", "/cluster", "/access",
            "/access?user=root&key=a",
            "/edit?key=secret/1", "/delete?key=secret/1", "/restore?prefix=&at=2", "/restore?key=secret/1&at=3",
            "/restore?prefix=secret/&at=3",
        })
        {
            IAPIResponse answer = await context.APIRequest.GetAsync(_store.Page(path));
            string content = await answer.TextAsync();
            content.ShouldNotContain("hidden-", Case.Sensitive, path);
            if (path.StartsWith("/keys", StringComparison.Ordinal))
            {
                content.ShouldNotContain("secret/1", Case.Sensitive, path);
            }
            else
            {
                answer.Status.ShouldBe(403, path);
            }
        }

        // No page contains the token, and scripts cannot read it.
        IReadOnlyList<BrowserContextCookiesResult> cookies = await context.CookiesAsync();
        cookies.ShouldAllBe(cookie => cookie.HttpOnly && cookie.SameSite == SameSiteAttribute.Strict && cookie.Path == "/ui");
        (await page.ContentAsync()).ShouldNotContain(cookies.Single(cookie => cookie.Name == "pgetcd_console").Value);
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_user_writes_what_it_may_and_the_audit_names_it()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/edit?key=shop/3"));
        await LogInAsync(page, "alice", "alicepw");
        await page.FillAsync("textarea", "by alice");
        await page.GetByText("Show the difference").ClickAsync();
        await page.GetByText("Save").ClickAsync();
        await page.ArriveAsync("**/key?key=*");
        (await _store.GetAsync("shop/3")).ShouldBe("by alice");
        await page.GetByText("Log out").ClickAsync();
        await page.ArriveAsync("**/login*");

        await LogInAsync(page, "root", "rootpw");
        await page.GotoAsync(_store.Page("/key?key=shop/3"));
        (await page.Locator(".timeline tbody tr").InnerTextAsync()).ShouldContain("alice");
        await page.GotoAsync(_store.Page("/activity?user=alice"));
        (await page.Locator("#changes tr").CountAsync()).ShouldBe(1);
        await page.GotoAsync(_store.Page("/access?user=alice&key=shop/3"));
        (await page.Locator(".verdict").InnerTextAsync()).ShouldContain("alice may write shop/3, by shop");
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_revoked_permission_ends_the_tail_and_an_expired_login_leads_to_the_login_page()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/activity?prefix=shop/"));
        await LogInAsync(page, "alice", "alicepw");
        await page.ClickAsync("#tail");
        await page.Locator("#tail-state", new PageLocatorOptions { HasText = "live" }).WaitForAsync();
        await _store.CallAsync("auth/user/changepw", new { name = "alice", password = "another" });
        await _store.PutAsync("shop/after", "1");
        await page.ArriveAsync("**/login*");
        (await page.Locator("[role=alert]").InnerTextAsync()).ShouldContain("Your login has expired");
        await context.CloseAsync();
    }

    [Theory]
    [InlineData("//evil.example/", "/ui")]
    [InlineData("https://evil.example/ui", "/ui")]
    [InlineData("/uievil", "/ui")]
    [InlineData("/ui/\\evil", "/ui")]
    [InlineData("/ui/\u00fc\r\nX: y", "/ui")]
    [InlineData("/ui/key?key=shop%2F1", "/ui/key?key=shop%2F1")]
    public async Task A_login_does_not_redirect_to_other_sites(string to, string target)
    {
        using HttpClientHandler handler = new() { AllowAutoRedirect = false };
        using HttpClient http = new(handler);
        string page = await http.GetStringAsync(_store.Page("/login", ("to", to)));
        string token = page.Split("name=\"form-token\" value=\"")[1].Split('"')[0];
        using FormUrlEncodedContent form = new(
            new Dictionary<string, string> { ["name"] = "alice", ["password"] = "alicepw", ["form-token"] = token });
        using HttpResponseMessage answer = await http.PostAsync(_store.Page("/login", ("to", to)), form);
        answer.Headers.Location!.OriginalString.ShouldBe(target);
    }

    [SkippableFact]
    public async Task The_limits_on_logins_apply()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/login"));
        // The form's own fields and cookie, without the time that a hundred loaded pages take.
        await page.EvaluateAsync(
            """
            async () => {
                const form = new FormData(document.querySelector('form.login'));
                form.set('name', 'nobody');
                form.set('password', 'guess');
                for (let tries = 0; tries < 100; tries++) {
                    const answer = await fetch(location.href, { method: 'POST', body: new URLSearchParams(form) });
                    const shown = new DOMParser().parseFromString(await answer.text(), 'text/html');
                    if (shown.querySelector('[role=alert]').textContent.includes('Too many')) {
                        return;
                    }
                }
                throw new Error('a hundred wrong passwords were checked');
            }
            """);
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task Any_frontend_behind_the_balancer_answers_any_request()
    {
        await using Store second = await Store.StartOnAsync(_store.Database, "second", "--console=read-write", "--bcrypt-cost=4");
        await using Store third = await Store.StartOnAsync(_store.Database, "third", "--console=read-write", "--bcrypt-cost=4");
        await using RoundRobin balancer = await RoundRobin.StartAsync(
            [_store.Server.ClientUrl, second.Server.ClientUrl, third.Server.ClientUrl]);
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(new Uri(balancer.Url, "/ui/edit?key=shop/balanced").ToString());
        await LogInAsync(page, "root", "rootpw");
        for (int round = 0; round < 4; round++)
        {
            await page.GotoAsync(new Uri(balancer.Url, "/ui/edit?key=shop/balanced").ToString());
            await page.FillAsync("textarea", $"round {round}");
            await page.GetByText("Show the difference").ClickAsync();
            await page.GetByText("Save").ClickAsync();
            await page.ArriveAsync("**/ui/key?key=*");
            (await page.Locator("#shown-value").InnerTextAsync()).ShouldBe($"round {round}");
        }

        balancer.Served.ShouldAllBe(served => served > 3);
        await context.CloseAsync();
    }

    private static async Task LogInAsync(IPage page, string name, string password)
    {
        await page.FillAsync("input[name=name]", name);
        await page.FillAsync("input[name=password]", password);
        await page.LeaveAsync(page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Log in" }));
    }
}
