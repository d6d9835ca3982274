-- The tombstones of the compact revision itself stay, and go with the next compaction. A walk that stopped among the rows of
-- that revision, and went on after the mark had moved, used to leave those it had already passed for good.

-- The compact revision that the walk was towards when it got where it stands.
alter table pgetcd.removal add column towards_revision bigint not null default -1;

create or replace function pgetcd.remove_superseded(batch_rows integer, in_doubt interval, to_archive boolean)
    returns table (outcome text, removed bigint) language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
    -- Looking at a row twice does no harm.
    update pgetcd.removal m set walked_sub = -1, towards_revision = c.compact_revision
        from pgetcd.cluster c where m.towards_revision < c.compact_revision;
    select b.outcome, b.removed into outcome, removed from pgetcd.remove_batch(batch_rows, in_doubt, to_archive) b;
    if removed > 0 and to_archive then
        -- The batch may have begun before midnight.
        insert into pgetcd.archive_days as d (day, walked_revision)
            select distinct (t.at at time zone 'UTC')::date, m.walked_revision
            from pgetcd.removal m, unnest(array[now(), clock_timestamp()]) as t (at)
            on conflict (day) do update set walked_revision = greatest(d.walked_revision, excluded.walked_revision);
    elsif removed > 0 then
        update pgetcd.removal m set kept_revision = m.walked_revision where m.kept_revision < m.walked_revision;
    end if;
    return next;
end
$$;
