using System.Net;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Changing keys: only in read-write mode, only by our own forms, and never over another client's change.</summary>
public sealed class WritingTests : IAsyncLifetime
{
    private Store _store = null!;

    public async Task InitializeAsync() => _store = await Store.StartAsync("--console=read-write");

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [SkippableFact]
    public async Task An_edit_shows_the_difference_before_the_put()
    {
        long lease = await _store.GrantAsync(600);
        await _store.PutAsync("edited", "one\ntwo\\\n", lease);
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/key?key=edited"));
        await page.GetByText("Edit", new PageGetByTextOptions { Exact = true }).ClickAsync();
        (await page.InputValueAsync("textarea")).ShouldBe("one\ntwo\\\\\n");
        await page.FillAsync("textarea", "\none\nthree\\\\\n\\x00");
        await page.GetByText("Show the difference").ClickAsync();
        (await page.Locator(".compare").InnerTextAsync()).ShouldContain("three");
        (await _store.GetAsync("edited")).ShouldBe("one\ntwo\\\n");
        await page.GetByText("Save").ClickAsync();
        await page.ArriveAsync("**/key?key=edited");
        (await _store.GetAsync("edited")).ShouldBe("\none\nthree\\\n\0");
        // The key keeps its lease, and the audit names the request.
        (await page.Locator(".facts").InnerTextAsync()).ShouldContain($"{lease:x}");
        (await page.Locator(".timeline tbody tr").First.InnerTextAsync()).ShouldContain("Txn");
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_conflict_is_shown_and_nothing_is_overwritten()
    {
        await _store.PutAsync("contested", "mine to begin with");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/edit?key=contested"));
        await page.FillAsync("textarea", "my edit");
        await page.GetByText("Show the difference").ClickAsync();
        await _store.PutAsync("contested", "theirs");
        await page.GetByText("Save").ClickAsync();
        await page.GetByText("Another client was faster.").WaitForAsync();
        (await page.Locator(".compare").InnerTextAsync()).ShouldContain("theirs");
        (await page.InputValueAsync("textarea")).ShouldBe("my edit");
        (await _store.GetAsync("contested")).ShouldBe("theirs");

        await page.GotoAsync(_store.Page("/delete?key=contested"));
        await _store.PutAsync("contested", "theirs again");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Delete" }).ClickAsync();
        await page.GetByText("Another client was faster.").WaitForAsync();
        (await _store.GetAsync("contested")).ShouldBe("theirs again");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Delete" }).ClickAsync();
        await page.GetByText("It was deleted").WaitForAsync();
        (await _store.GetAsync("contested")).ShouldBeNull();
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_new_key_is_put_only_if_there_is_none()
    {
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/keys"));
        await page.GetByText("New key").ClickAsync();
        await page.FillAsync(".edit input[name=key]", "brand/new");
        await page.FillAsync("textarea", "first");
        await _store.PutAsync("brand/new", "theirs");
        await page.GetByText("Show the difference").ClickAsync();
        await page.GetByText("The key was created meanwhile").WaitForAsync();
        (await _store.GetAsync("brand/new")).ShouldBe("theirs");
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_prefix_is_restored()
    {
        long then = await _store.PutAsync("back/changed", "good");
        await _store.PutAsync("back/deleted", "there");
        then++;
        await _store.PutAsync("back/changed", "bad");
        await _store.PutAsync("back/created", "too much");
        await _store.DeleteAsync("back/deleted");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/diff", ("prefix", "back/"), ("from", $"{then}")));
        await page.GetByText("Restore the earlier state").ClickAsync();
        (await page.Locator(".confirm").InnerTextAsync()).ShouldContain(
            "3 keys will change, in one revision: 1 created, 1 changed, 1 deleted");
        await _store.PutAsync("back/created", "even more");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Restore" }).ClickAsync();
        await page.GetByText("Some of these keys have changed since the plan was made").WaitForAsync();
        (await _store.GetAsync("back/changed")).ShouldBe("bad");
        await page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Restore" }).ClickAsync();
        await page.ArriveAsync("**/keys?prefix=*");
        (await _store.GetAsync("back/changed")).ShouldBe("good");
        (await _store.GetAsync("back/deleted")).ShouldBe("there");
        (await _store.GetAsync("back/created")).ShouldBeNull();
        await page.GotoAsync(_store.Page("/key?key=back/deleted"));
        (await page.Locator(".timeline tbody tr").First.InnerTextAsync()).ShouldContain("back/created");
        await context.CloseAsync();
    }

    [Fact]
    public async Task A_form_from_another_site_is_refused()
    {
        long revision = await _store.PutAsync("forged", "safe");
        using HttpClient http = new(new HttpClientHandler { UseCookies = false });
        foreach ((string Name, string? Cookie, string? Token, string? Origin) forgery in new (string, string?, string?, string?)[]
        {
            ("no token", null, null, null),
            ("no cookie", null, "abc", null),
            ("another token", "pgetcd_form=abc", "abc", null),
            ("another origin", "pgetcd_form=abc", Good("abc"), "http://evil.example"),
        })
        {
            using HttpRequestMessage request = new(HttpMethod.Post, _store.Page("/delete"))
            {
                Content = new FormUrlEncodedContent(
                    new Dictionary<string, string> { ["key"] = "forged", ["seen"] = $"{revision}", ["form-token"] = forgery.Token ?? "" }),
            };
            if (forgery.Cookie is not null)
            {
                request.Headers.Add("Cookie", forgery.Cookie);
            }

            if (forgery.Origin is not null)
            {
                request.Headers.Add("Origin", forgery.Origin);
            }

            using HttpResponseMessage answer = await http.SendAsync(request);
            answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest, forgery.Name);
            answer.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
        }

        (await _store.GetAsync("forged")).ShouldBe("safe");

        static string Good(string secret) => Microsoft.AspNetCore.WebUtilities.WebEncoders.Base64UrlEncode(
            System.Security.Cryptography.HMACSHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret), Array.Empty<byte>()));
    }

    [SkippableFact]
    public async Task Without_read_write_nothing_can_be_changed()
    {
        await using Store store = await Store.StartAsync();
        long revision = await store.PutAsync("read", "only");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        foreach (string path in new[] { "/keys", "/key?key=read", "/diff?from=1" })
        {
            await page.GotoAsync(store.Page(path));
            (await page.Locator("a[href*='/edit'], a[href*='/delete'], a[href*='/restore']").CountAsync()).ShouldBe(0, path);
        }

        foreach (string path in new[] { "/edit?key=read", "/delete?key=read", "/restore?key=read&at=1" })
        {
            (await page.GotoAsync(store.Page(path)))!.Status.ShouldBe(403, path);
        }

        using HttpClient http = new();
        using HttpRequestMessage request = new(HttpMethod.Post, store.Page("/delete"));
        string secret = "abc";
        request.Headers.Add("Cookie", $"pgetcd_form={secret}");
        request.Content = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["key"] = "read",
            ["seen"] = $"{revision}",
            ["form-token"] = Microsoft.AspNetCore.WebUtilities.WebEncoders.Base64UrlEncode(
                System.Security.Cryptography.HMACSHA256.HashData(System.Text.Encoding.UTF8.GetBytes(secret), Array.Empty<byte>())),
        });
        (await http.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await store.GetAsync("read")).ShouldBe("only");
        await context.CloseAsync();
    }

    [Fact]
    public async Task With_console_off_there_are_no_pages()
    {
        await using Store store = await Store.StartAsync("--console=off");
        using HttpClient http = new(new HttpClientHandler { AllowAutoRedirect = false });
        http.DefaultRequestHeaders.Accept.ParseAdd("text/html");
        (await http.GetAsync(store.Page("/keys"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await http.GetAsync(store.Server.ClientUrl)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await http.GetAsync(_store.Server.ClientUrl)).Headers.Location!.OriginalString.ShouldBe("/ui");
    }
}
