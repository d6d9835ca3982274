using System.Text.Json;
using System.Text.Json.Nodes;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Vectors;

public class Transcripts_of_real_etcd
{
    [Theory]
    [MemberData(nameof(Files))]
    public void Are_reproduced_line_by_line(string file)
    {
        Replay replay = new();
        int number = 0;
        foreach (string line in TranscriptFile.Lines(file))
        {
            number++;
            JsonNode entry = JsonNode.Parse(line, documentOptions: new JsonDocumentOptions { MaxDepth = 2000 })!;
            JsonNode? error = entry["error"];
            if (error?["message"]!.GetValue<string>() == "etcdserver: request is too large")
            {
                continue;
            }

            JsonObject? answer = replay.Answer(entry["rpc"]!.GetValue<string>(), entry["request"]!);
            if (answer is null)
            {
                continue;
            }

            JsonNode expected = error is null ? entry["response"]! : new JsonObject { ["message"] = error["message"]!.DeepClone() };
            if (!JsonNode.DeepEquals(answer, expected))
            {
                answer.ToJsonString().ShouldBe(expected.ToJsonString(), $"{file}:{number} {Short(line)}");
            }
        }

        number.ShouldBeGreaterThan(100);
    }

    public static TheoryData<string> Files() =>
    [
        "kv-1.jsonl", "kv-2.jsonl", "kv-3.jsonl", "kv-4.jsonl", "kv-5.jsonl", "kv-script.jsonl",
        "txn-1.jsonl", "txn-2.jsonl", "txn-3.jsonl", "txn-4.jsonl", "txn-5.jsonl", "txn-script.jsonl",
    ];

    private static string Short(string line) => line.Length > 2000 ? line[..2000] : line;
}
