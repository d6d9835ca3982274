-- Removal and retention delete rows of the log and the archive with their owner's rights, so that no other role needs a right to delete
-- (docs/security.md).

-- Creates the partitions of today and tomorrow (UTC) and drops those that ended before the retention period; records the revisions that
-- are lost with them, and deletes compactions older than the period.
create or replace function pgetcd.keep_archive(retention interval) returns void language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp set timezone = 'UTC' set lock_timeout = '2s' as $$
declare
    today     date := clock_timestamp()::date;
    day       date;
    partition record;
begin
    retention := greatest(retention, interval '0');
    for day in select today + n from generate_series(0, 1) n loop
        if to_regclass(format('%I.%I', 'pgetcd', 'revisions_archive_' || to_char(day, 'YYYYMMDD'))) is null then
            -- Attached: creating it in place would wait for all readers of the history and hold up new ones.
            execute format('create table %I.%I (like pgetcd.revisions_archive including all)',
                'pgetcd', 'revisions_archive_' || to_char(day, 'YYYYMMDD'));
            execute format('alter table pgetcd.revisions_archive attach partition %I.%I for values from (%L) to (%L)',
                'pgetcd', 'revisions_archive_' || to_char(day, 'YYYYMMDD'), day::timestamptz, (day + 1)::timestamptz);
        end if;
    end loop;

    for partition in
        select c.relname as name, to_date(right(c.relname, 8), 'YYYYMMDD') as day
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = format('%I.%I', 'pgetcd', 'revisions_archive')::regclass
    loop
        if (partition.day + 1)::timestamptz < clock_timestamp() - retention then
            execute format('drop table %I.%I', 'pgetcd', partition.name);
        end if;
    end loop;

    with gone as (
        delete from pgetcd.archive_days d
            where to_regclass(format('%I.%I', 'pgetcd', 'revisions_archive_' || to_char(d.day, 'YYYYMMDD'))) is null
            returning d.walked_revision
    )
    update pgetcd.removal m set kept_revision = greatest(m.kept_revision, (select max(g.walked_revision) from gone g))
        where exists (select from gone);
    delete from pgetcd.compactions c where c.compacted_at < clock_timestamp() - retention;
end
$$;

-- Removes a batch of the rows superseded at the compact revision (semantics.md §6). The newest row of each key at or below the
-- compact revision stays, unless it is a tombstone below it; all rows at the compact revision itself stay, as a watch may start there.
--
-- The walk visits the rows from the last finished compact revision to the present one, in order. Each row that did not create its
-- key supersedes the previous row of the key, which still exists, so that the index finds it in one step; each tombstone below the
-- compact revision is removed itself. The cost is therefore proportional to the span. Visiting a row twice does no harm. A tombstone at the
-- compact revision stays until the next compaction, whose walk starts there.
--
-- A row is held back in two cases (docs/decisions/0007):
-- * It is less than 0.2 s old: frontends may not have read it yet, and would have to load the whole state again.
-- * It is younger than in_doubt and belongs to the last append of its frontend, which may repeat that append to learn its outcome.
--
-- outcome: more; finished; soon (a row is too young); later (a row belongs to an append in doubt); unhashed (a hash of compaction_hashes
-- must be computed first).
create or replace function pgetcd.remove_superseded(batch_rows integer, in_doubt interval, to_archive boolean)
    returns table (outcome text, removed bigint)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
declare
    mark    pgetcd.removal;
    target  bigint;
    is_unhashed boolean;
    fresh   timestamptz := clock_timestamp() - interval '0.2 seconds';
    young   timestamptz := least(fresh, clock_timestamp() - in_doubt);
    noted   bigint;
    batch   record;
    gone    record;
begin
    removed := 0;
    -- A crash loses the removal and its mark together, so there is no need to wait for the disk.
    perform set_config('synchronous_commit', 'off', true);
    -- The tombstones of the compact revision itself stay until the mark moves. A walk that stopped among the rows of that
    -- revision then visits all of them again, or tombstones already visited would stay for ever.
    update pgetcd.removal m set walked_sub = -1, towards_revision = c.compact_revision
        from pgetcd.cluster c where m.towards_revision < c.compact_revision;
    -- One removal at a time: a leader that was paused may resume beside its successor.
    select m.* into mark from pgetcd.removal m for update;
    select d.revision into noted from pgetcd.log_digest d for update;
    -- One statement reads both, so a new compaction cannot become the target while its hash is missing.
    select c.compact_revision, exists (select from pgetcd.compaction_hashes h where h.hash is null)
        into target, is_unhashed from pgetcd.cluster c;
    if is_unhashed then
        outcome := 'unhashed';
        return next;
        return;
    end if;
    if target <= mark.finished_revision then
        outcome := 'finished';
        return next;
        return;
    end if;

    with span as materialized (
        select r.ctid as place, r.xmin as transaction, r.revision, r.sub, r.key, r.tombstone, r.version, r.committed_at, r.frontend
        from pgetcd.revisions r
        where (r.revision, r.sub) > (mark.walked_revision, mark.walked_sub) and r.revision <= target
        order by r.revision, r.sub limit batch_rows
    ),
    superseded as materialized (
        select s.revision, s.sub, v.place, v.transaction, v.committed_at, v.frontend
        from span s cross join lateral (
            select p.ctid as place, p.xmin as transaction, p.committed_at, p.frontend
            from pgetcd.revisions p
            where s.version <> 1 and substr(p.key, 1, 1024) = substr(s.key, 1, 1024) and p.key = s.key
                and (p.revision, p.sub) < (s.revision, s.sub) and p.revision < target
            order by p.revision desc, p.sub desc limit 1) v
        union all
        select s.revision, s.sub, s.place, s.transaction, s.committed_at, s.frontend
        from span s where s.tombstone and s.revision < target
    ),
    -- The last append of each frontend, as far as the end of the log shows it. A frontend that has appended again knows the
    -- outcome of its previous append.
    last_append as materialized (
        select distinct on (r.frontend) r.frontend, r.transaction
        from (
            select l.frontend, l.xmin as transaction, l.revision, l.sub
            from pgetcd.revisions l order by l.revision desc, l.sub desc limit 1000
        ) r
        order by r.frontend, r.revision desc, r.sub desc
    ),
    held as materialized (
        select s.revision, s.sub, s.committed_at > fresh as is_fresh
        from superseded s
        where case
            when s.committed_at > fresh then true
            when s.committed_at > young then not exists (
                select from last_append l where l.frontend = s.frontend and l.transaction <> s.transaction)
            else false end
        order by s.revision, s.sub limit 1
    ),
    walked as (
        select s.revision, s.sub from span s
        where not exists (select from held h where (h.revision, h.sub) <= (s.revision, s.sub))
        order by s.revision desc, s.sub desc limit 1
    )
    select (select array_agg(s.place) from superseded s
                where not exists (select from held h where (h.revision, h.sub) <= (s.revision, s.sub))) as places,
            (select count(*) from span) = batch_rows as is_full,
            (select w.revision from walked w) as revision,
            (select w.sub from walked w) as sub,
            (select h.is_fresh from held h) as is_fresh
        into batch;

    -- Removed rows leave the digest of the log and enter that of the day in the archive.
    if to_archive then
        with taken as (delete from pgetcd.revisions r where r.ctid = any (batch.places) returning r.*),
        moved as (
            insert into pgetcd.revisions_archive
                    (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
                select t.revision, t.sub, t.key, t.value, t.create_revision, t.version, t.lease, t.committed_at,
                    t.username, t.client, t.frontend
                from taken t
                returning (removed_at at time zone 'UTC')::date as day, revision, pgetcd.row_digest(revision, sub, key, value,
                    create_revision, version, lease, committed_at, username, client, frontend) as digest
        ),
        days as (
            insert into pgetcd.archive_days as d (day, walked_revision, rows, digest)
                select m.day, 0, count(*), bit_xor(m.digest) from moved m group by m.day
                on conflict (day) do update set rows = d.rows + excluded.rows, digest = d.digest # excluded.digest
        )
        select count(*) as rows, count(*) filter (where m.revision <= noted) as noted_rows,
                bit_xor(m.digest) filter (where m.revision <= noted) as digest
            into gone from moved m;
    else
        with taken as (
            delete from pgetcd.revisions r where r.ctid = any (batch.places)
                returning r.revision, pgetcd.row_digest(r.revision, r.sub, r.key, r.value,
                    r.create_revision, r.version, r.lease, r.committed_at, r.username, r.client, r.frontend) as digest
        )
        select count(*) as rows, count(*) filter (where t.revision <= noted) as noted_rows,
                bit_xor(t.digest) filter (where t.revision <= noted) as digest
            into gone from taken t;
    end if;
    removed := gone.rows;
    -- The update comes even if it subtracts nothing, so that a record_digest with an older snapshot fails instead of counting removed rows.
    if removed > 0 then
        update pgetcd.log_digest d set rows = d.rows - gone.noted_rows, digest = d.digest # coalesce(gone.digest, 0);
    end if;

    outcome := case
        when batch.is_fresh then 'soon'
        when not batch.is_fresh then 'later'
        when batch.is_full then 'more'
        else 'finished' end;
    update pgetcd.removal m set
        finished_revision = case outcome when 'finished' then target else m.finished_revision end,
        attended_revision = case when outcome in ('finished', 'later') then target else m.attended_revision end,
        walked_revision = case outcome when 'finished' then target else coalesce(batch.revision, m.walked_revision) end,
        walked_sub = case outcome when 'finished' then -1 else coalesce(batch.sub, m.walked_sub) end;
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

revoke execute on function pgetcd.keep_archive(interval), pgetcd.remove_superseded(integer, interval, boolean) from public;
