using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>A real etcd and a PgEtcd that run the same commands, one subcommand after another.</summary>
public sealed class EtcdctlPair : IAsyncLifetime
{
    /// <summary>Passwords use the cheapest hash, as etcd's cost is not compared.</summary>
    private static readonly string[] Flags = ["--bcrypt-cost", "4"];

    private readonly PostgresFixture _postgres = new();
    private readonly List<string> _lines = [];

    /// <summary>The commands run since <see cref="BeginAsync"/>.</summary>
    internal IReadOnlyList<string> Lines => _lines;

    internal EtcdctlSide Reference { get; private set; } = null!;

    internal EtcdctlSide Target { get; private set; } = null!;

    internal IEnumerable<EtcdctlSide> Both => [Reference, Target];

    /// <summary>A pair of any two servers.</summary>
    internal static EtcdctlPair Of(IEtcdServer reference, IEtcdServer target) => new() { Reference = new(reference), Target = new(target) };

    /// <summary>A real etcd as used in the pair.</summary>
    internal static Task<EtcdServer> StartEtcdAsync() => EtcdServer.StartAsync(Flags);

    public async Task InitializeAsync()
    {
        if (File.Exists(EtcdctlScript.Program) && EtcdServer.IsInstalled)
        {
            await _postgres.InitializeAsync();
            Reference = new(await StartEtcdAsync());
            Target = new(await PgEtcdServer.StartAsync(
                await _postgres.CreateStoreAsync(), moreArguments: [.. Flags, "--initial-advertise-peer-urls", "http://127.0.0.1:2380"]));
        }
    }

    /// <summary>Empties both, and brings them to the same revision.</summary>
    internal async Task BeginAsync()
    {
        long[] revisions = await Task.WhenAll(Both.Select(side => side.ClearAsync()));
        await Task.WhenAll(Both.Select(side => side.BeginAsync(revisions.Max())));
        (await Target.Kv.RevisionAsync()).ShouldBe(await Reference.Kv.RevisionAsync(), "the pair is even");
        _lines.Clear();
    }

    /// <summary>Runs commands in order on both, which must print the same.</summary>
    /// <returns>The output of the last command.</returns>
    internal async Task<string> SameAsync(params IEnumerable<EtcdctlCommand> commands)
    {
        string last = "";
        foreach (EtcdctlCommand command in commands)
        {
            _lines.Add(command.Line);
            last = await SameAsync(side => side.RunAsync(command), command.Line);
        }

        return last;
    }

    /// <summary>Runs an action on both, which must have the same result.</summary>
    internal async Task<T> SameAsync<T>(Func<EtcdctlSide, Task<T>> action, string line)
    {
        _lines.Add(line);
        Task<T> expected = action(Reference);
        Task<T> actual = action(Target);
        await Task.WhenAll(expected, actual);
        (await actual).ShouldBe(await expected, $"etcdctl {line}");
        return await expected;
    }

    /// <summary>Runs a command only on PgEtcd, where etcd behaves differently.</summary>
    /// <param name="command">The command.</param>
    /// <param name="expected">PgEtcd's output.</param>
    internal async Task OursAsync(EtcdctlCommand command, string expected)
    {
        if (Target.Server is PgEtcdServer)
        {
            _lines.Add(command.Line);
            (await Target.RunAsync(command)).ShouldBe(expected, $"etcdctl {command.Line}");
        }
    }

    public async Task DisposeAsync()
    {
        foreach (EtcdctlSide? side in (EtcdctlSide?[])[Reference, Target])
        {
            if (side is not null)
            {
                await side.DisposeAsync();
                await side.Server.DisposeAsync();
            }
        }

        await _postgres.DisposeAsync();
    }
}
