using PgEtcd.Testing;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>The instructions of the Dockerfile, those of one line each.</summary>
internal static class ContainerFile
{
    /// <summary>An instruction.</summary>
    /// <param name="Stage">The image it belongs to, from 0.</param>
    /// <param name="Name">COPY, RUN, …</param>
    /// <param name="Text">What follows.</param>
    public sealed record Instruction(int Stage, string Name, string Text)
    {
        /// <summary>What follows, by words.</summary>
        public string[] Words => Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>All of them, in order.</summary>
    public static IReadOnlyList<Instruction> Read()
    {
        List<Instruction> instructions = [];
        int stage = -1;
        string[] lines = File
            .ReadAllText(Path.Combine(Repository.Root, "Dockerfile")).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n');
        foreach (string line in lines.Where(line => line.Length > 0 && line[0] != '#'))
        {
            string[] parts = line.Split(' ', 2);
            stage += parts[0] == "FROM" ? 1 : 0;
            instructions.Add(new Instruction(stage, parts[0], parts[1]));
        }

        return instructions;
    }
}
