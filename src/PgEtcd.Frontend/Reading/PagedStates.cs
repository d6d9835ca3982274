using PgEtcd.Mvcc;

namespace PgEtcd.Frontend.Reading;

/// <summary>States of which clients have read the first page. Clients read the other pages at the same revision (kube-apiserver does so for
/// every list), which are then served from here rather than from SQL.</summary>
internal sealed class PagedStates
{
    private const int Capacity = 32;

    /// <summary>Revisions after which a state is dropped. A state keeps alive the tree nodes and records that were replaced since, a few
    /// kilobytes per revision.</summary>
    private const long MaxAge = 20_000;

    /// <summary>Last in the lock order (RunningFrontend): no other is taken under it.</summary>
    private readonly Lock _gate = new();
    private readonly LinkedList<KeySpace> _states = new(); // ascending by revision

    /// <summary>The state at exactly this revision, or null.</summary>
    public KeySpace? At(long revision)
    {
        lock (_gate)
        {
            return _states.FirstOrDefault(state => state.Revision == revision);
        }
    }

    /// <summary>Keeps a state.</summary>
    public void Keep(KeySpace state)
    {
        lock (_gate)
        {
            if (_states.Last is { } last && last.Value.Revision >= state.Revision)
            {
                return; // the state is there already, or two readers have crossed and SQL serves one of them
            }

            _states.AddLast(state);
            if (_states.Count > Capacity)
            {
                _states.RemoveFirst();
            }
        }
    }

    /// <summary>Drops the states that are too old.</summary>
    /// <param name="head">The store's revision.</param>
    public void Forget(long head)
    {
        lock (_gate)
        {
            while (_states.First is { } first && first.Value.Revision < head - MaxAge)
            {
                _states.RemoveFirst();
            }
        }
    }
}
