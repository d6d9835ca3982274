using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace PgEtcd.Bench;

/// <summary>Tells the shim (random-key.c) how to fill the numbers of a body.</summary>
/// <param name="Count">The exclusive upper bound of the numbers.</param>
/// <param name="Width">The digits of each number.</param>
/// <param name="Once">Whether each number is used once, from <paramref name="First"/> on, instead of random ones.</param>
/// <param name="First">The index of the first number, with <paramref name="Once"/>.</param>
/// <param name="Stride">The step between numbers, with <paramref name="Once"/>.</param>
/// <param name="Shared">Whether all marks of one request carry the same number.</param>
/// <param name="RevisionBase">The revision of key 0, if the body holds a padded revision.</param>
/// <param name="Seed">The seed of random numbers; the same for both servers of a pair.</param>
public sealed record Numbers(
    long Count, int Width = Requests.Digits, bool Once = false, long First = 0, long Stride = 1, bool Shared = false,
    long RevisionBase = 0, int Seed = 1);

/// <summary>The number of requests in flight, and of connections.</summary>
public sealed record Flight(int Connections, int Streams)
{
    /// <summary>
    /// A few connections with several streams each, as with kube-apiserver and other Go clients: both servers serve a
    /// single connection on one core, and one connection per request would measure the kernel's sockets.
    /// </summary>
    public static Flight Of(int requests) => requests switch
    {
        1 => new(1, 1),
        10 => new(2, 5),
        50 => new(5, 10),
        500 => new(10, 50),
        _ => throw new ArgumentOutOfRangeException(nameof(requests)),
    };

    public int Requests => Connections * Streams;
}

/// <summary>The measurements of one run of h2load.</summary>
/// <param name="Rate">Requests per second.</param>
/// <param name="P50">Median latency in microseconds; 0 if latencies were not measured.</param>
/// <param name="P99">99th percentile in microseconds; 0 if latencies were not measured.</param>
/// <param name="DataBytes">Bytes of DATA frames received: gRPC prefix and message, nothing for an error.</param>
/// <param name="Seconds">Length of the run.</param>
public sealed record LoadResult(double Rate, double P50, double P99, long DataBytes, double Seconds);

/// <summary>Runs h2load with the shim preloaded.</summary>
public sealed partial class H2Load(string directory, string shim)
{
    /// <summary>Sends <paramref name="requests"/> requests of one body to one method.</summary>
    /// <param name="latencies">Whether h2load logs every request, which costs about a microsecond each and so distorts the rate.</param>
    /// <exception cref="BenchException">A request failed on the HTTP level, or h2load did.</exception>
    public async Task<LoadResult> Run(
        int port, string method, Message message, Numbers numbers, Flight flight, long requests, bool latencies = false)
    {
        requests = Math.Max(requests, flight.Requests);
        string body = Path.Combine(directory, $"body-{port}");
        await File.WriteAllBytesAsync(body, EtcdClient.Frame(message.ToArray())).ConfigureAwait(false);

        // One line per request; in memory, so that writing the log does not compete with the servers' fsyncs.
        string log = Path.Combine(
            Directory.Exists("/dev/shm") ? "/dev/shm" : directory, $"pgetcd-bench-{Environment.ProcessId}-{port}.log");
        File.Delete(log);
        try
        {
            ProcessStartInfo start = new("h2load") { RedirectStandardOutput = true, RedirectStandardError = true };
            foreach (string? argument in new[]
            {
                "-n", $"{requests}", "-c", $"{flight.Connections}", "-m", $"{flight.Streams}", "-t", "1", "-d", body,
                "-H", "content-type: application/grpc", "-H", "te: trailers", $"http://127.0.0.1:{port}/etcdserverpb.{method}",
            })
            {
                start.ArgumentList.Add(argument);
            }

            if (latencies)
            {
                start.ArgumentList.Add("--log-file");
                start.ArgumentList.Add(log);
            }

            SetShim(start.Environment, body, message, numbers);
            using Process process = Process.Start(start) ?? throw new BenchException("h2load did not start");
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
            await process.WaitForExitAsync().ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw new BenchException($"h2load ended with {process.ExitCode}: {await errors.ConfigureAwait(false)}{output}");
            }

            return Read(output, latencies ? log : null, requests);
        }
        finally
        {
            File.Delete(log);
        }
    }

    private void SetShim(IDictionary<string, string?> environment, string body, Message message, Numbers numbers)
    {
        const int Prefix = 5; // gRPC's, before the message
        environment["LD_PRELOAD"] = shim;
        environment["BODY_FILE"] = body;
        environment["BODY_MARKS"] = string.Join(",", message.Marks.Select(mark => mark + Prefix));
        environment["BODY_WIDTH"] = $"{numbers.Width}";
        environment["BODY_COUNT"] = $"{numbers.Count}";
        environment["BODY_ORDER"] = numbers.Once ? "once" : "random";
        environment["BODY_FIRST"] = $"{numbers.First}";
        environment["BODY_STRIDE"] = $"{numbers.Stride}";
        environment["BODY_SHARED"] = numbers.Shared ? "1" : "0";
        environment["BODY_SEED"] = $"{numbers.Seed}";
        environment["BODY_REVISION"] = message.Revision < 0 ? "" : $"{message.Revision + Prefix}";
        environment["BODY_BASE"] = $"{numbers.RevisionBase}";
        environment["BODY_SPAN"] = $"{Requests.PutsPerTxn}";
    }

    private static LoadResult Read(string output, string? log, long requests)
    {
        long succeeded = (long)Number(StatusPattern(), output);
        if (succeeded != requests)
        {
            throw new BenchException($"{requests - succeeded} of {requests} requests got no HTTP 200: {output}");
        }

        (int p50, int p99) = log is null ? (0, 0) : Percentiles(log, requests);
        double rate = Number(RatePattern(), output);
        return new(rate, p50, p99, (long)Number(DataPattern(), output), requests / rate);
    }

    /// <summary>Reads the log, whose lines hold start, status and microseconds.</summary>
    private static (int P50, int P99) Percentiles(string log, long requests)
    {
        int[] latencies = File
            .ReadLines(log).Select(line => int.Parse(line.AsSpan(line.LastIndexOf('\t') + 1), CultureInfo.InvariantCulture)).ToArray();
        Array.Sort(latencies);
        return latencies.Length == requests
            ? (latencies[requests / 2], latencies[requests * 99 / 100])
            : throw new BenchException($"h2load logged {latencies.Length} of {requests} requests");
    }

    private static double Number(Regex pattern, string output)
    {
        Match match = pattern.Match(output);
        return match.Success
            ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : throw new BenchException($"h2load's output lacks {pattern}: {output}");
    }

    [GeneratedRegex(@"^finished in .*?, ([0-9.]+) req/s", RegexOptions.Multiline)]
    private static partial Regex RatePattern();

    [GeneratedRegex(@"^status codes: (\d+) 2xx", RegexOptions.Multiline)]
    private static partial Regex StatusPattern();

    [GeneratedRegex(@"^traffic: .*\((\d+)\) data", RegexOptions.Multiline)]
    private static partial Regex DataPattern();
}
