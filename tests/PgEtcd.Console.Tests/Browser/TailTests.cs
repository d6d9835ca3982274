using Microsoft.Playwright;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>Changes appear on the page when they are made.</summary>
public sealed class TailTests : IAsyncLifetime
{
    private const string Etcdctl = "/usr/bin/etcdctl";

    private Store _store = null!;

    public async Task InitializeAsync() => _store = await Store.StartAsync();

    public async Task DisposeAsync() => await _store.DisposeAsync();

    [SkippableFact]
    public async Task A_change_made_with_etcdctl_appears_and_a_pause_misses_nothing()
    {
        Testing.Tool.Require(Etcdctl, "etcd-client");
        IBrowserContext context = await Chromium.NewContextAsync();
        IPage page = await context.NewPageAsync();
        await page.GotoAsync(_store.Page("/activity?prefix=live/"));
        await page.ClickAsync("#tail");
        await page.Locator("#tail-state", new PageLocatorOptions { HasText = "live" }).WaitForAsync();
        await EtcdctlAsync("put", "other/key", "1");
        await EtcdctlAsync("put", "live/first", "1");
        await page.Locator("#changes", new PageLocatorOptions { HasText = "live/first" }).WaitForAsync();
        (await page.Locator("#changes").InnerTextAsync()).ShouldNotContain("other/key");

        await page.ClickAsync("#tail");
        await EtcdctlAsync("put", "live/second", "1");
        await EtcdctlAsync("del", "live/first");
        (await page.Locator("#changes tr").CountAsync()).ShouldBe(1);
        await page.ClickAsync("#tail");
        await page.Locator("#changes", new PageLocatorOptions { HasText = "delete" }).WaitForAsync();
        string[] lines = [.. await page.Locator("#changes tr").AllInnerTextsAsync()];
        lines.Length.ShouldBe(3);
        lines[0].ShouldContain("live/first");
        lines[1].ShouldContain("live/second");
        lines[2].ShouldContain("create");
        await context.CloseAsync();
    }

    private Task<string> EtcdctlAsync(params string[] arguments) =>
        Command.CheckAsync(Etcdctl, ["--endpoints", _store.Server.ClientUrl.Authority, .. arguments]);
}
