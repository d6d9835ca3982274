namespace PgEtcd.Mvcc.Ranges;

/// <summary>A set that usually has one item, and then needs no hash table. Mutable: keep it in a field, never copy it.</summary>
internal struct ItemSet<T>
    where T : notnull
{
    private T _one;
    private bool _hasOne;
    private HashSet<T>? _many; // if not null, it has all items

    public readonly bool IsEmpty => !_hasOne && _many is null;

    /// <summary>Adds an item; false if the set already has it.</summary>
    public bool Add(T item)
    {
        if (_many is not null)
        {
            return _many.Add(item);
        }

        if (!_hasOne)
        {
            (_one, _hasOne) = (item, true);
            return true;
        }

        if (EqualityComparer<T>.Default.Equals(_one, item))
        {
            return false;
        }

        _many = [_one, item];
        (_one, _hasOne) = (default!, false);
        return true;
    }

    /// <summary>Removes an item; false if the set does not have it.</summary>
    public bool Remove(T item)
    {
        if (_many is not null)
        {
            bool removed = _many.Remove(item);
            if (_many.Count == 0)
            {
                _many = null;
            }

            return removed;
        }

        if (!_hasOne || !EqualityComparer<T>.Default.Equals(_one, item))
        {
            return false;
        }

        (_one, _hasOne) = (default!, false);
        return true;
    }

    public readonly void AppendTo(List<T> list)
    {
        if (_hasOne)
        {
            list.Add(_one);
        }
        else if (_many is not null)
        {
            list.AddRange(_many);
        }
    }
}
