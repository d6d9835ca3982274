-- What SQL readers see. create_revision, mod_revision and version as etcd shows them.
create view pgetcd.current_state as
    select r.key, r.value, r.create_revision, r.revision as mod_revision, r.version, r.lease
    from (
        select distinct on (key) key, revision, sub, tombstone
        from pgetcd.revisions
        order by key, revision desc, sub desc
    ) newest
    join pgetcd.revisions r using (revision, sub)
    where not newest.tombstone;

create view pgetcd.history as
    select r.key, r.revision as mod_revision, r.sub, r.tombstone, r.value, r.create_revision, r.version, r.lease,
        r.committed_at, r.username, r.client, r.frontend
    from pgetcd.revisions r;

-- The keys of [range_start, range_end) as they were at a revision; range_end null: to the end of the key space.
create function pgetcd.state_at(at_revision bigint, range_start bytea default '', range_end bytea default null)
    returns table (key bytea, value bytea, create_revision bigint, mod_revision bigint, sub integer, version bigint, lease bigint)
    language sql stable as $$
    select r.key, r.value, r.create_revision, r.revision, r.sub, r.version, r.lease
    from (
        select distinct on (key) key, revision, sub, tombstone
        from pgetcd.revisions
        where substr(key, 1, 1024) >= substr(range_start, 1, 1024) and key >= range_start
            and (range_end is null or (substr(key, 1, 1024) <= substr(range_end, 1, 1024) and key < range_end))
            and revision <= at_revision
        order by key, revision desc, sub desc
    ) newest
    join pgetcd.revisions r using (revision, sub)
    where not newest.tombstone
    order by r.key
$$;
