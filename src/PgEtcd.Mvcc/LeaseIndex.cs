using System.Collections.Immutable;
using System.Runtime.InteropServices;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;

namespace PgEtcd.Mvcc;

/// <summary>The keys of each lease. A value, like the tree; its records are those of the tree, so it keeps no old ones alive.</summary>
internal sealed class LeaseIndex
{
    private readonly ImmutableDictionary<long, KeyTree> _keys;

    private LeaseIndex(ImmutableDictionary<long, KeyTree> keys) => _keys = keys;

    public static LeaseIndex Empty { get; } = new(ImmutableDictionary<long, KeyTree>.Empty);

    public KeyTree KeysOf(long lease) => _keys.GetValueOrDefault(lease, KeyTree.Empty);

    public static LeaseIndex From(KeyTree keys)
    {
        Dictionary<long, List<KeyRecord>> byLease = [];
        foreach (KeyRecord record in keys.Scan(new KeyRange(default, new byte[1])))
        {
            if (record.Lease != 0)
            {
                (CollectionsMarshal.GetValueRefOrAddDefault(byLease, record.Lease, out _) ??= []).Add(record);
            }
        }

        return new LeaseIndex(byLease.ToImmutableDictionary(pair => pair.Key, pair => KeyTree.FromSorted(pair.Value)));
    }

    public Editor Edit() => new(this);

    /// <summary>An edit, which copies only the leases it touches.</summary>
    public sealed class Editor(LeaseIndex index)
    {
        private readonly Dictionary<long, KeyTree.Editor> _edits = [];
        private LeaseIndex _index = index;

        /// <summary>Takes in a change of a key from one version to the next; null for no version.</summary>
        public void Move(KeyRecord? previous, KeyRecord? next)
        {
            long from = previous?.Lease ?? 0;
            long to = next?.Lease ?? 0;
            if (from != 0 && from != to)
            {
                EditOf(from).Remove(previous!.Key);
            }

            if (to != 0)
            {
                EditOf(to).Set(next!);
            }
        }

        /// <summary>A copy of the records attached to the lease, in key order.</summary>
        public KeyRecord[] KeysOf(long lease) =>
            (_edits.TryGetValue(lease, out KeyTree.Editor? edit) ? edit.View : _index.KeysOf(lease).View).ToArray();

        public LeaseIndex Freeze()
        {
            if (_edits.Count == 0)
            {
                return _index;
            }

            ImmutableDictionary<long, KeyTree>.Builder builder = _index._keys.ToBuilder();
            foreach ((long lease, KeyTree.Editor edit) in _edits)
            {
                if (edit.Count == 0)
                {
                    builder.Remove(lease);
                }
                else
                {
                    builder[lease] = edit.Freeze();
                }
            }

            _edits.Clear();
            return _index = new LeaseIndex(builder.ToImmutable());
        }

        private KeyTree.Editor EditOf(long lease) =>
            CollectionsMarshal.GetValueRefOrAddDefault(_edits, lease, out _) ??= _index.KeysOf(lease).Edit();
    }
}
