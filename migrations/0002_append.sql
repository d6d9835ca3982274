-- What append and tail report: where the log is in the first row, rows of the log after it.
create type pgetcd.log_answer as (
    outcome          text,     -- appended | conflict | lease_missing | tail in the first row; null in those after it
    head             bigint,
    compact_revision bigint,
    auth_revision    bigint,
    missing_leases   bigint[],
    revision         bigint,
    sub              integer,
    key              bytea,
    value            bytea,
    create_revision  bigint,
    version          bigint,
    lease            bigint
);

-- What was committed after a revision. Stable, so that all of it is read in one snapshot. In an empty table the planner
-- would prefer to scan it all, and a prepared statement keeps that plan while the table grows: so it may not.
create function pgetcd.tail(after bigint) returns setof pgetcd.log_answer
    language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
begin
    return query select 'tail', c.base_revision, c.compact_revision, c.auth_revision,
        null::bigint[], null::bigint, null::integer, null::bytea, null::bytea, null::bigint, null::bigint, null::bigint
        from pgetcd.cluster c where c.one;
    return query select null, null::bigint, null::bigint, null::bigint, null::bigint[],
        r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease
        from pgetcd.revisions r where r.revision > tail.after order by r.revision, r.sub;
end
$$;

-- Appends a batch if, and only if, the log is still where the batch was evaluated (design §2, invariant 3).
-- Rows come in order; a row with sub 0 starts the next revision. One round trip, one commit, one NOTIFY (none while the
-- frontend is alone).
-- Called again with the same arguments by the same frontend run, it appends nothing and says appended:
-- so a frontend whose connection died during COMMIT asks by repeating itself (invariant 6).
create function pgetcd.append(
    expected_revision         bigint,
    expected_compact_revision bigint,
    expected_auth_revision    bigint,
    frontend                  text,
    subs                      integer[],
    keys                      bytea[],
    vals                      bytea[],
    create_revisions          bigint[],
    versions                  bigint[],
    leases                    bigint[],
    usernames                 text[],
    clients                   text[],
    required_leases           bigint[],
    revoked_leases            bigint[]
) returns setof pgetcd.log_answer language plpgsql volatile as $$
#variable_conflict use_column
declare
    state   record;
    head    bigint;
    missing bigint[];
    ignored text;
begin
    -- Each statement below takes a new snapshot (read committed), so what is read after the lock is
    -- what the previous holder committed.
    -- An assignment, here and below, costs a tenth of PERFORM: it needs no executor.
    ignored := pgetcd.lock_log();

    select c.compact_revision, c.auth_revision, c.frontends, greatest(c.base_revision, last.revision) as head,
            last.committed_at as last_at, s.last_value as drawn
        into state
        from pgetcd.cluster c cross join pgetcd.revision_seq s left join lateral (
            select r.revision, r.committed_at from pgetcd.revisions r order by r.revision desc, r.sub desc limit 1) last on true;
    head := state.head;

    if head <> append.expected_revision
            or state.compact_revision <> append.expected_compact_revision
            or state.auth_revision <> append.expected_auth_revision then
        if exists (select from pgetcd.revisions r
                where r.revision = append.expected_revision + 1 and r.frontend = append.frontend) then
            return query select 'appended', r.revision, state.compact_revision, state.auth_revision,
                    null::bigint[], null::bigint, null::integer, null::bytea, null::bytea,
                    null::bigint, null::bigint, null::bigint
                from pgetcd.revisions r
                where r.revision = append.expected_revision
                    + (select count(*) from unnest(append.subs) s where s = 0) limit 1;
            return;
        end if;
        return next row('conflict', head, state.compact_revision, state.auth_revision,
            null, null, null, null, null, null, null, null)::pgetcd.log_answer;
        return query select t.* from pgetcd.tail(append.expected_revision) t where t.outcome is null;
        return;
    end if;

    if append.required_leases <> '{}' then
        select array_agg(needed) into missing from unnest(append.required_leases) needed
            where not exists (select from pgetcd.leases l where l.id = needed);
        if missing is not null then
            return next row('lease_missing', head, state.compact_revision, state.auth_revision,
                missing, null, null, null, null, null, null, null)::pgetcd.log_answer;
            return;
        end if;
    end if;

    if append.keys <> '{}' then
        -- A rolled-back append has drawn numbers that nobody has: take them back (invariant 2).
        if state.drawn <> head then
            ignored := setval('pgetcd.revision_seq', head, true);
        end if;
        insert into pgetcd.revisions
                (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
            select case row.sub when 0 then nextval('pgetcd.revision_seq') else currval('pgetcd.revision_seq') end,
                row.sub, row.key, row.value, row.create_revision, row.version, row.lease,
                greatest(clock_timestamp(), state.last_at), row.username, row.client, append.frontend
            from unnest(append.subs, append.keys, append.vals, append.create_revisions, append.versions,
                append.leases, append.usernames, append.clients)
                as row (sub, key, value, create_revision, version, lease, username, client);
        head := currval('pgetcd.revision_seq');
        if state.frontends > 1 then
            ignored := pg_notify('pgetcd', head || ' ' || append.frontend);
        end if;
    end if;

    if append.revoked_leases <> '{}' then
        delete from pgetcd.leases l where l.id = any (append.revoked_leases);
    end if;

    return next row('appended', head, state.compact_revision, state.auth_revision,
        null, null, null, null, null, null, null, null)::pgetcd.log_answer;
end
$$;

-- Moves the compaction mark (semantics.md §6). Rows below it go later, in the background.
-- Outcome: compacted, already (at or below the mark) or future.
create function pgetcd.compact(at_revision bigint)
    returns table (outcome text, head bigint, compact_revision bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
    state pgetcd.cluster;
begin
    perform pgetcd.lock_log();
    select c.* into state from pgetcd.cluster c;
    select greatest(max(r.revision), state.base_revision) into head from pgetcd.revisions r;
    compact_revision := state.compact_revision;
    if at_revision <= state.compact_revision then
        outcome := 'already';
    elsif at_revision > head then
        outcome := 'future';
    else
        update pgetcd.cluster set compact_revision = at_revision;
        perform pg_notify('pgetcd', head::text);
        outcome := 'compacted';
        compact_revision := at_revision;
    end if;
    return next;
end
$$;
