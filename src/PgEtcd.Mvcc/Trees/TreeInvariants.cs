namespace PgEtcd.Mvcc.Trees;

/// <summary>The invariants of every tree, for the tests.</summary>
internal static class TreeInvariants
{
    /// <exception cref="InvalidOperationException">The tree is broken; the message has the reason.</exception>
    public static void Check(Node? root)
    {
        if (root is null)
        {
            return;
        }

        Require(root.Count > 0 && root is not Branch { Count: 1 }, "the root is empty or has one child");
        Check(root, isRoot: true, [], null);
    }

    /// <returns>The height of the node.</returns>
    private static int Check(Node node, bool isRoot, ReadOnlySpan<byte> from, byte[]? below)
    {
        Require(node.Count <= Node.Max && (isRoot || node.Count >= Node.Min), "a node is too full or too empty");
        if (node is Leaf leaf)
        {
            CheckLeaf(leaf, from, below);
            return 0;
        }

        Branch branch = (Branch)node;
        int height = -1;
        int size = 0;
        for (int i = 0; i < branch.Count; i++)
        {
            Node child = branch.Children[i];
            Require(branch.Sizes[i] == child.Size, "a size is wrong");
            size += child.Size;
            ReadOnlySpan<byte> start = i == 0 ? from : branch.Separators.Keys[i - 1];
            byte[]? end = i == branch.Count - 1 ? below : branch.Separators.Keys[i];
            int childHeight = Check(child, isRoot: false, start, end);
            Require(height < 0 || height == childHeight, "leaves at different depths");
            height = childHeight;
        }

        Require(size == branch.Size, "the size of a branch is wrong");
        Require(branch.Separators.Keys.Length == branch.Count - 1, "separators and children do not match");
        for (int i = branch.Count; i < Node.Max; i++)
        {
            Require(branch.Children[i] is null && branch.Sizes[i] == 0, "a dead slot is in use");
        }

        return height + 1;
    }

    private static void CheckLeaf(Leaf leaf, ReadOnlySpan<byte> from, byte[]? below)
    {
        for (int i = 0; i < leaf.Count; i++)
        {
            ReadOnlySpan<byte> key = leaf.Records[i].Key;
            Require(i == 0 || leaf.Records[i - 1].Key.SequenceCompareTo(key) < 0, "keys out of order");
            Require(leaf.IndexOf(key) == i, "a key is not found");
            Require(key.SequenceCompareTo(from) >= 0, "a key is below its separator");
            Require(below is null || key.SequenceCompareTo(below) < 0, "a key is not below the next separator");
        }

        Require(Array.TrueForAll(leaf.Records[leaf.Count..], static record => record is null), "a dead slot is in use");
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"The tree is broken: {what}.");
        }
    }
}
