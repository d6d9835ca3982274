using System.Text;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Keys and values that would be markup, reverse text, or are not text: all are shown and none is executed.</summary>
public sealed class HostileTests : IAsyncLifetime
{
    private const string Script = "<script>document.title='owned'</script>";

    private static readonly byte[][] Keys =
    [
        Encoding.UTF8.GetBytes($"evil/{Script}"),
        "evil/\"><img src=x onerror=alert(1)>"u8.ToArray(),
        "evil/' onmouseover='alert(1)"u8.ToArray(),
        Encoding.UTF8.GetBytes("evil/\u202egnp.exe"),
        [.. "evil/"u8, 0xff, 0xfe, 0, 1, (byte)'\n'],
        "evil/&lt;&amp;"u8.ToArray(),
        "evil/javascript:alert(1)"u8.ToArray(),
        "evil/{{7*7}}\\x41\\"u8.ToArray(),
        Encoding.UTF8.GetBytes("evil/" + new string('k', 3000)),
    ];

    private Store _store = null!;

    public async Task InitializeAsync() => _store = await Store.StartAsync("--console=read-write");

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [SkippableFact]
    public async Task No_key_or_value_is_executed_and_each_links_to_itself()
    {
        string escaped = Script.Replace("'", "\\u0027", StringComparison.Ordinal);
        byte[][] values =
        [
            Encoding.UTF8.GetBytes(Script), Encoding.UTF8.GetBytes($"{{\"</script>\": \"{escaped}\"}}"), [0xff, 0, 0xc3],
            "</textarea></pre><script>alert(1)</script>"u8.ToArray(),
        ];
        long revision = 0;
        for (int i = 0; i < Keys.Length; i++)
        {
            await _store.PutAsync(Keys[i], "before"u8.ToArray());
            revision = await _store.PutAsync(Keys[i], values[i % values.Length]);
        }

        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        List<string> alarms = [];
        page.Dialog += (_, dialog) =>
        {
            alarms.Add(dialog.Message);
            _ = dialog.DismissAsync();
        };
        page.PageError += (_, error) => alarms.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                alarms.Add(message.Text); // also attempts blocked by the policy: there must be none
            }
        };
        foreach (string list in (string[])
            [
                "/keys?prefix=evil/", "/keys?prefix=evil/&view=list", $"/keys?prefix=evil/&at={revision - 1}", "/diff?from=1",
                "/activity", "/keys?q=<script>&values=1",
            ])
        {
            await page.GotoAsync(_store.Page(list));
            (await page.TitleAsync()).ShouldEndWith("PgEtcd");
        }

        await page.GotoAsync(_store.Page("/keys?prefix=evil/&view=list"));
        string[] links = [.. await page.Locator("#keys tbody th a").EvaluateAllAsync<string[]>("links => links.map(link => link.href)")];
        links.Length.ShouldBe(Keys.Length);
        foreach (string link in links)
        {
            (await page.GotoAsync(link))!.Status.ShouldBe(200, link);
            (await page.Locator(".timeline tbody tr").CountAsync()).ShouldBe(2, link);
            await page.GotoAsync(link.Replace("/ui/key?", "/ui/edit?", StringComparison.Ordinal));
            (await page.Locator("textarea").CountAsync()).ShouldBe(1, link);
        }

        alarms.ShouldBeEmpty();
        (await page.EvaluateAsync<bool>("() => document.title === 'owned'")).ShouldBeFalse();
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task The_largest_value_is_shown_in_part_and_downloaded_in_full()
    {
        byte[] value = new byte[1_500_000];
        new Random(1).NextBytes(value);
        await _store.PutAsync("large"u8.ToArray(), value);
        await _store.PutAsync("large/text", new string('x', 1_500_000));
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        foreach (string key in new[] { "large", "large/text" })
        {
            await page.GotoAsync(_store.Page("/key", ("key", key)));
            (await page.Locator("main").InnerTextAsync()).ShouldContain("of 1.4 MiB are shown");
        }

        byte[] raw = await (await context.APIRequest.GetAsync(_store.Page("/raw?key=large"))).BodyAsync();
        raw.AsSpan().SequenceEqual(value).ShouldBeTrue();
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_hundred_thousand_keys_below_one_prefix_are_a_page_like_any_other()
    {
        byte[] value = "some value"u8.ToArray();
        for (int batch = 0; batch < 1000; batch++)
        {
            await _store.CallAsync("kv/txn", new
            {
                success = Enumerable.Range(0, 100).Select(n => new
                {
                    requestPut = new
                    {
                        key = Encoding.ASCII.GetBytes(n < 50 ? $"many/flat-{batch:0000}-{n:00}" : $"many/{batch:0000}/{n:00}"),
                        value,
                    },
                }),
            });
        }

        long then = await _store.PutAsync("other", "1");
        await _store.PutAsync("many/zzz", "the last");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/keys"));
        (await page.Locator("#keys tbody tr").First.InnerTextAsync()).ShouldContain("100,001 keys");
        foreach ((string path, string text) in new[]
        {
            ("/keys?prefix=many/", "50 keys"), ("/keys?prefix=many/&view=list", "More keys"),
            ("/keys?prefix=many/&q=flat-0999-4", "many/flat-0999-49"),
            ("/keys?prefix=many/&q=the last&values=1", "many/zzz"), ($"/keys?prefix=many/&at={then}", "50 keys"),
        })
        {
            long started = TimeProvider.System.GetTimestamp();
            await page.GotoAsync(_store.Page(path));
            (await page.Locator("main").InnerTextAsync()).ShouldContain(text, Case.Sensitive, path);
            // Usually some 50 ms, and 500 in the past; a page that reads all keys takes many seconds.
            TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(8), path);
        }

        // Page by page to the end of a level.
        await page.GotoAsync(_store.Page("/keys?prefix=many/&from=many/flat-0998-30"));
        while (await page.Locator("a[rel=next]").CountAsync() > 0)
        {
            await page.ClickAsync("a[rel=next]");
        }

        (await page.Locator("#keys tbody tr").Last.InnerTextAsync()).ShouldContain("zzz");
        await context.CloseAsync();
    }
}
