using PgEtcd.Mvcc;

namespace PgEtcd.Frontend.Reading;

/// <summary>States that clients have been given the first page of. They read the other pages at its revision (as
/// kube-apiserver does for every list), and find them here rather than in SQL.</summary>
internal sealed class PagedStates
{
    private const int Capacity = 32;

    /// <summary>A state is dropped when the store is so far ahead of it. What it keeps alive beyond the present one are the
    /// tree nodes and records replaced since, some kilobytes a revision.</summary>
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
                return; // there already, or two readers have crossed: then SQL serves one of them
            }

            _states.AddLast(state);
            if (_states.Count > Capacity)
            {
                _states.RemoveFirst();
            }
        }
    }

    /// <summary>Drops what is too old by now.</summary>
    /// <param name="head">The revision that the store is at.</param>
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
