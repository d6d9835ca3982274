using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Past moments by slider, revision, time and link; a moment that is no longer kept is explained.</summary>
public sealed class PastTests : IAsyncLifetime
{
    private Store _store = null!;

    public async Task InitializeAsync() => _store = await Store.StartAsync("--history-retention=30d");

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [SkippableFact]
    public async Task The_slider_leads_to_the_past_and_the_address_can_be_shared()
    {
        long early = await _store.PutAsync("slide/kept", "early value");
        await _store.PutAsync("slide/gone", "was here");
        await _store.DeleteAsync("slide/gone");
        await _store.PutAsync("slide/kept", "late value");
        long both = early + 1;

        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/keys?prefix=slide/"));
        (await page.Locator("main").InnerTextAsync()).ShouldNotContain("slide/gone");
        await page.EvalOnSelectorAsync(
            "#moment-slider",
            """
            (slider, at) => {
                slider.value = at;
                slider.dispatchEvent(new Event('input'));
                slider.dispatchEvent(new Event('change'));
            }
            """,
            both);
        await page.ArriveAsync($"**at={both}*");
        await ShouldShowThePastAsync(page);
        string link = page.Url;

        // A colleague opens the link.
        IBrowserContext other = await Chromium.NewContextAsync();
        IPage theirs = await other.NewPageAsync();
        await theirs.GotoAsync(link);
        await ShouldShowThePastAsync(theirs);
        await theirs.GetByText("Back to now").ClickAsync();
        (await theirs.Locator("main").InnerTextAsync()).ShouldContain("late value");
        theirs.Url.ShouldNotContain("at=");
        await context.CloseAsync();
        await other.CloseAsync();

        static async Task ShouldShowThePastAsync(IPage page)
        {
            string text = await page.Locator("main").InnerTextAsync();
            text.ShouldContain("early value");
            text.ShouldContain("changed since");
            text.ShouldContain("was here");
            text.ShouldContain("deleted since");
        }
    }

    [SkippableFact]
    public async Task A_time_becomes_its_revision_in_the_address()
    {
        long revision = await _store.PutAsync("timed", "1");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/key?key=timed"));
        await page.FillAsync("#moment-text", "0 seconds ago");
        await page.ClickAsync(".moment button");
        await page.ArriveAsync("**at=*");
        page.Url.ShouldEndWith($"at={revision}");
        await page.GotoAsync(_store.Page("/key?key=timed&at=10 minutes ago"));
        (await page.Locator("main").InnerTextAsync()).ShouldContain("Did not exist at this moment");
        foreach ((string moment, string sentence) in new[] { ("soon", "is not a moment"), ("99999999", "does not exist yet") })
        {
            IResponse? answer = await page.GotoAsync(_store.Page("/key", ("key", "timed"), ("at", moment)));
            answer!.Status.ShouldBe(404);
            (await page.Locator("main").InnerTextAsync()).ShouldContain(sentence);
        }

        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task The_timeline_goes_beyond_compaction_and_compares_any_two_versions()
    {
        long first = await _store.PutAsync("told", """{"replicas": 1}""");
        await _store.PutAsync("told", """{"replicas": 2}""");
        long third = await _store.PutAsync("told", """{"replicas": 3}""");
        await _store.CallAsync("kv/compaction", new { revision = third, physical = true });

        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/key?key=told"));
        (await page.Locator(".timeline tbody tr").CountAsync()).ShouldBe(3);
        (await page.Locator(".timeline tbody tr").Last.InnerTextAsync()).ShouldContain("archived");
        await page.CheckAsync($"input[name=a][value='{first}']");
        await page.CheckAsync($"input[name=b][value='{third}']");
        await page.GetByText("Compare the selected versions").ClickAsync();
        (await page.Locator(".compare td.removed.line").InnerTextAsync()).Trim().ShouldBe("\"replicas\": 1");
        (await page.Locator(".compare td.added.line").InnerTextAsync()).Trim().ShouldBe("\"replicas\": 3");
        await page.GotoAsync(_store.Page($"/key?key=told&at={first}"));
        (await page.Locator("#shown-value").InnerTextAsync()).ShouldContain("\"replicas\": 1");
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task The_timeline_names_the_other_keys_of_a_revision()
    {
        await _store.CallAsync("kv/txn", new
        {
            success = new[]
            {
                new { requestPut = new { key = "together/one"u8.ToArray(), value = "1"u8.ToArray() } },
                new { requestPut = new { key = "together/two"u8.ToArray(), value = "2"u8.ToArray() } },
            },
        });
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/key?key=together/one"));
        string line = await page.Locator(".timeline tbody tr").InnerTextAsync();
        line.ShouldContain("together/two");
        line.ShouldContain("Txn");
        line.ShouldContain("127.0.0.1");
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task A_revision_neither_kept_nor_archived_is_explained()
    {
        await using Store store = await Store.StartAsync();
        for (int i = 0; i < 5; i++)
        {
            await store.PutAsync("forgotten", $"{i}");
        }

        await store.CallAsync("kv/compaction", new { revision = 5, physical = true });
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        // Rows are held back while their frontend may still repeat its append; its next append releases them.
        await store.PutAsync("other", "1");
        await Testing.Eventually.TrueAsync(
            async () =>
            {
                await page.GotoAsync(store.Page("/key?key=forgotten&at=2"));
                return (await page.Locator("main").InnerTextAsync()).Contains("compacted and not in the archive", StringComparison.Ordinal);
            },
            "the console says that revision 2 is forgotten");
        await context.CloseAsync();
    }

    [SkippableFact]
    public async Task Keys_of_the_past_are_counted_up_to_a_thousand_and_shown_in_pages()
    {
        long revision = 0;
        for (int i = 0; i < 12; i++)
        {
            JsonElement answer = await _store.CallAsync("kv/txn", new
            {
                success = Enumerable.Range(i * 100, 100).Select(n => new
                {
                    requestPut = new { key = Encoding.UTF8.GetBytes($"crowd/all/{n:0000}"), value = "v"u8.ToArray() },
                }),
            });
            revision = long.Parse(answer.GetProperty("header").GetProperty("revision").GetString()!, null);
        }

        await _store.PutAsync("crowd/few/1", "v");
        await _store.PutAsync("crowd/later/1", "v");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/keys?prefix=crowd/"));
        (await CountsAsync()).ShouldBe(["1,200 keys", "1 key", "1 key"]);
        await page.GotoAsync(_store.Page($"/keys?prefix=crowd/&at={revision + 1}"));
        string[] counts = await CountsAsync();
        counts[0].ShouldMatch("^[0-9,]+[+] keys$"); // fewer than 1,000 on a busy machine
        counts[1..].ShouldBe(["1 key", "1 key"]);
        (await page.Locator("tr.branch.created").InnerTextAsync()).ShouldContain("later/");

        foreach (string view in new[] { "", "&view=list", "&q=all&values=1" })
        {
            await page.GotoAsync(_store.Page($"/keys?prefix=crowd/all/&at={revision}{view}"));
            int shown = 0;
            while (true)
            {
                shown += await page.Locator("#keys tbody tr:not(.more)").CountAsync();
                if (await page.Locator("tr.more a").CountAsync() == 0)
                {
                    break;
                }

                await page.GotoAsync(new Uri(new Uri(page.Url), await page.Locator("tr.more a").GetAttributeAsync("href")).ToString());
            }

            shown.ShouldBe(1200, view);
        }

        await context.CloseAsync();

        async Task<string[]> CountsAsync() =>
            [.. (await page.Locator("tr.branch .count").AllInnerTextsAsync()).Select(text => text.Trim())];
    }

    [SkippableFact]
    public async Task The_difference_of_two_moments_is_of_a_prefix()
    {
        long before = await _store.PutAsync("delta/changed", "before");
        await _store.PutAsync("delta/deleted", "1");
        long from = before + 1;
        await _store.PutAsync("delta/changed", "after");
        await _store.PutAsync("delta/created", "1");
        await _store.DeleteAsync("delta/deleted");
        await _store.PutAsync("elsewhere", "1");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/diff"));
        await page.FillAsync(".filters input[name=prefix]", "delta/");
        await page.FillAsync(".filters input[name=from]", $"{from}");
        await page.ClickAsync(".filters button");
        (await page.Locator(".counts").InnerTextAsync()).ReplaceLineEndings(" ").ShouldBe("1 created 1 changed 1 deleted");
        string text = await page.Locator("main").InnerTextAsync();
        text.ShouldContain("delta/created");
        text.ShouldNotContain("elsewhere");
        await context.CloseAsync();
    }
}
