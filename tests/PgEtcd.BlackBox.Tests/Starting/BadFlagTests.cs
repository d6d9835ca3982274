using System.Net;
using System.Net.Sockets;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>Wrong flags, and unusable addresses and directories.</summary>
public sealed class BadFlagTests(OneServer first) : IClassFixture<OneServer>
{
    [Theory]
    [InlineData("Unknown flag --data-dri: did you mean --data-dir?", "--data-dri", "x")]
    [InlineData("Unknown flag --listen-clients-urls: did you mean --listen-client-urls?", "--listen-clients-urls=http://127.0.0.1:1")]
    [InlineData("Unknown flag --frobnicate: see --help.", "--frobnicate")]
    [InlineData("--name needs a value.", "--name")]
    [InlineData("--database needs a value.", "--database", "--schema", "x")]
    [InlineData("--max-txn-ops must be a whole number from 1 to 2147483647, not \"-1\".", "--max-txn-ops", "-1")]
    public async Task A_wrong_flag_is_named(string sentence, params string[] arguments) =>
        (await Refusal.OfAsync(arguments)).ShouldBe(sentence);

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        using TcpListener taken = new(IPAddress.Loopback, FreePort.Next());
        taken.Start();
        string url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";
        (await Refusal.OfAsync("--database", first.Database, "--listen-client-urls", url)).ShouldBe(
            $"pgetcd: --listen-client-urls: cannot listen on {url}: Address already in use.");
    }

    [Fact]
    public async Task An_address_of_another_machine_is_named()
    {
        (await Refusal.OfAsync("--database", first.Database, "--listen-client-urls", "http://192.0.2.1:2379")).ShouldBe(
            "pgetcd: --listen-client-urls: cannot listen on http://192.0.2.1:2379: Cannot assign requested address.");
    }

    [Fact]
    public async Task A_data_directory_that_is_a_file_or_lies_below_one_is_named()
    {
        using TempDirectory directory = new("starting");
        string file = Path.Combine(directory.Path, "file");
        await File.WriteAllTextAsync(file, "");
        (await Refusal.OfAsync("--data-dir", file)).ShouldBe($"pgetcd: --data-dir {file} is a file, not a directory.");
        (await Refusal.OfAsync("--data-dir", $"{file}/below")).ShouldStartWith($"pgetcd: --data-dir {file}/below cannot be ");
    }

    [Fact]
    public async Task A_data_directory_without_write_access_is_named() =>
        (await Refusal.OfAsync("--data-dir", "/proc/pgetcd")).ShouldStartWith("pgetcd: --data-dir /proc/pgetcd cannot be ");

    [Fact]
    public async Task A_data_directory_with_other_files_is_named()
    {
        using TempDirectory directory = new("starting");
        await File.WriteAllTextAsync(Path.Combine(directory.Path, "mine"), "");
        (await Refusal.OfAsync("--data-dir", directory.Path)).ShouldBe(
            $"pgetcd: --data-dir {directory.Path} already holds other files: choose a new or empty directory.");
    }
}
