using PgEtcd.Testing;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>The one-line instructions of the Dockerfile.</summary>
internal static class ContainerFile
{
    /// <summary>An instruction.</summary>
    /// <param name="Stage">The number of the build stage, from 0.</param>
    /// <param name="Name">COPY, RUN, …</param>
    /// <param name="Text">The arguments.</param>
    public sealed record Instruction(int Stage, string Name, string Text)
    {
        /// <summary>The arguments as words.</summary>
        public string[] Words => Text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>All instructions, in order.</summary>
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
