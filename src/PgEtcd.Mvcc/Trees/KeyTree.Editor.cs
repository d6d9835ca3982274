using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

public sealed partial class KeyTree
{
    /// <summary>
    /// An edit of a tree. Nodes that the edit made itself are changed in place, all others are copied first. It may continue
    /// after <see cref="Freeze"/>: the frozen tree does not change. Not thread-safe.
    /// </summary>
    public sealed class Editor
    {
        private Node? _root;

        // Each freeze makes a new token: the nodes made so far then belong to the frozen tree.
        private object _owner = new();

        internal Editor(Node? root) => _root = root;

        public int Count => _root?.Size ?? 0;

        internal KeyView View => new(_root);

        /// <summary>Adds the record, or replaces and returns the one with the same key.</summary>
        public KeyRecord? Set(KeyRecord record)
        {
            if (_root is null)
            {
                _root = new Leaf(_owner, [record]);
                return null;
            }

            KeyRecord? previous = null;
            byte[] separator = [];
            _root = Set(_root, record, ref previous, out Node? right, ref separator);
            if (right is not null)
            {
                _root = new Branch(_owner, [_root, right], new Separators(separator));
            }

            return previous;
        }

        /// <summary>Removes and returns the record of the key; null if there is none.</summary>
        public KeyRecord? Remove(ReadOnlySpan<byte> key)
        {
            if (_root is null)
            {
                return null;
            }

            KeyRecord? removed = null;
            _root = Remove(_root, key, ref removed);
            if (_root.Count == 0)
            {
                _root = null;
            }
            else if (_root is Branch { Count: 1 } branch)
            {
                _root = branch.Children[0];
            }

            return removed;
        }

        /// <summary>The current tree.</summary>
        public KeyTree Freeze()
        {
            _owner = new object();
            return _root is null ? Empty : new KeyTree(_root);
        }

        private Node Set(Node node, KeyRecord record, ref KeyRecord? previous, out Node? right, ref byte[] separator)
        {
            right = null;
            if (node is Leaf leaf)
            {
                int index = leaf.IndexOf(record.Key);
                leaf = leaf.Own(_owner);
                if (index >= 0)
                {
                    previous = leaf.Records[index];
                    leaf.Records[index] = record;
                }
                else if (leaf.Insert(~index, record) is { } rightLeaf)
                {
                    right = rightLeaf;
                    separator = Separators.Between(leaf, rightLeaf);
                }

                return leaf;
            }

            Branch branch = ((Branch)node).Own(_owner);
            int child = branch.ChildOf(record.Key);
            branch.SetChild(child, Set(branch.Children[child], record, ref previous, out Node? rightChild, ref separator));
            if (rightChild is not null)
            {
                right = branch.InsertAfter(child, rightChild, ref separator);
            }

            return branch;
        }

        private Node Remove(Node node, ReadOnlySpan<byte> key, ref KeyRecord? removed)
        {
            if (node is Leaf leaf)
            {
                int index = leaf.IndexOf(key);
                if (index < 0)
                {
                    return leaf;
                }

                removed = leaf.Records[index];
                leaf = leaf.Own(_owner);
                leaf.RemoveAt(index);
                return leaf;
            }

            Branch branch = (Branch)node;
            int child = branch.ChildOf(key);
            Node changed = Remove(branch.Children[child], key, ref removed);
            if (removed is null)
            {
                return branch;
            }

            branch = branch.Own(_owner);
            branch.SetChild(child, changed);
            if (changed.Count < Node.Min)
            {
                branch.Refill(child, _owner);
            }

            return branch;
        }
    }
}
