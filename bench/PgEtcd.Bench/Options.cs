using System.Globalization;

namespace PgEtcd.Bench;

/// <summary>The command line.</summary>
public sealed class Options
{
    public const string Usage = """
        usage: bench/run.sh [options]
          --quick           one round of short runs, without the million keys: a check, not a measurement
          --only PATTERN    only rows whose name contains PATTERN (several, separated by commas)
          --rounds N        rounds of A B B A for each case (default 3)
          --seconds N       approximate length of one measured run (default 3)
          --servers A,B     servers to measure, one or two of etcd and pgetcd (default etcd,pgetcd)
          --target-only     the same as --servers pgetcd
          --etcd PATH       the etcd to start, of any version from 3.4 on (default: etcd in the path)
          --pgetcd PATH     the pgetcd to start (default: built by run.sh)
          --history N       put random keys N times before the throughput rows, for a store with N revisions
          --busy            keep all cores busy with other work at the same time
          --cores N         let each server's own process use N cores, as if it ran on a machine of its own, and its PostgreSQL all
          --cold            skip the warm-up of some hundred thousand requests
          --seed N          seed of the random keys (default 1)
          --keep            leave data directories and logs in bench/out/run
          --list            print the names of the rows
        """;

    public bool Quick { get; private set; }
    public bool Cold { get; private set; }
    public bool Busy { get; private set; }
    public double? Cores { get; private set; }
    public bool Keep { get; private set; }
    public bool List { get; private set; }
    public bool Help { get; private set; }
    public int Rounds { get; private set; } = 3;
    public double Seconds { get; private set; } = 3;
    public int Seed { get; private set; } = 1;
    public long History { get; private set; }
    public string Etcd { get; private set; } = "etcd";
    public string Pgetcd { get; private set; } = "pgetcd";
    public string Out { get; private set; } = "bench/out";
    public IReadOnlyList<string> Only { get; private set; } = [];
    public IReadOnlyList<string> Servers { get; private set; } = ["etcd", "pgetcd"];

    /// <summary>Parses the command line.</summary>
    /// <exception cref="BenchException">An option is unknown, or its value is invalid.</exception>
    public static Options Parse(string[] arguments)
    {
        Options options = new();
        for (int i = 0; i < arguments.Length; i++)
        {
            string name = arguments[i];
            string Value() => ++i < arguments.Length ? arguments[i] : throw new BenchException($"{name} needs a value");
            switch (name)
            {
                case "--quick":
                    (options.Quick, options.Cold, options.Rounds, options.Seconds) = (true, true, 1, 0.5);
                    break;
                case "--only":
                    options.Only = Value()
                    .Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries); break;
                case "--rounds": options.Rounds = (int)Number(name, Value()); break;
                case "--seconds": options.Seconds = Number(name, Value()); break;
                case "--servers": options.Servers = Value().Split(','); break;
                case "--target-only": options.Servers = ["pgetcd"]; break;
                case "--etcd": options.Etcd = Value(); break;
                case "--history": options.History = (long)Number(name, Value()); break;
                case "--cores": options.Cores = Number(name, Value()); break;
                case "--busy": options.Busy = true; break;
                case "--pgetcd": options.Pgetcd = Value(); break;
                case "--out": options.Out = Value(); break;
                case "--seed": options.Seed = (int)Number(name, Value()); break;
                case "--cold": options.Cold = true; break;
                case "--keep": options.Keep = true; break;
                case "--list": options.List = true; break;
                case "--help" or "-h": options.Help = true; break;
                default: throw new BenchException($"unknown option {name}");
            }
        }

        if (options.Servers.Count is < 1 or > 2 || options.Servers.Any(server => server is not ("etcd" or "pgetcd")))
        {
            throw new BenchException("--servers needs one or two of: etcd, pgetcd");
        }

        return options;
    }

    /// <summary>Whether --only includes the row with this name.</summary>
    public bool Wants(string row) => Only.Count == 0 || Only.Any(part => row.Contains(part, StringComparison.Ordinal));

    private static double Number(string name, string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && number > 0
            ? number
            : throw new BenchException($"{name} needs a positive number, not {text}");
}

/// <summary>An error that ends the benchmark, with a message for the user.</summary>
public sealed class BenchException(string message) : Exception(message);
