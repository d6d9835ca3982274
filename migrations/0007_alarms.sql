-- Alarms, what they refuse, how much room the store takes, and who leads by wish (semantics.md §10).

create table pgetcd.alarms (
    member_id bigint      not null,  -- a member id, its 64 bits as a signed number; whichever the client named
    kind      integer     not null,  -- as on the wire: 1 NOSPACE, 2 CORRUPT
    raised_at timestamptz not null default clock_timestamp(),
    primary key (member_id, kind)
);

-- Which kinds are raised, in bits: 1 NOSPACE, 2 CORRUPT, 4 any other. Here, because frontends read this row with every
-- tail query, and the append compares it: so no frontend writes once an alarm is acknowledged (docs/decisions/0009).
alter table pgetcd.cluster add column alarms smallint not null default 0;
-- What `etcdctl downgrade enable` named; null: no downgrade is under way.
alter table pgetcd.cluster add column downgrade_target text;

-- Raises or clears an alarm. Returns whether that changed anything.
create function pgetcd.set_alarm(alarm_member_id bigint, alarm_kind integer, raised boolean) returns boolean
    language plpgsql volatile as $$
declare
    changed boolean;
begin
    perform pgetcd.lock_log();
    if raised then
        insert into pgetcd.alarms (member_id, kind) values (alarm_member_id, alarm_kind) on conflict do nothing;
    else
        delete from pgetcd.alarms where member_id = alarm_member_id and kind = alarm_kind;
    end if;
    changed := found;
    if changed then
        update pgetcd.cluster set alarms = (
            select coalesce(bit_or(case a.kind when 1 then 1 when 2 then 2 else 4 end), 0) from pgetcd.alarms a);
        perform pg_notify('pgetcd', (select last_value from pgetcd.revision_seq)::text);
    end if;
    return changed;
end
$$;

-- The append and the tail, now with the alarms in their answers and among what an append expects.
drop function pgetcd.append(bigint, bigint, bigint, text, integer[], bytea[], bytea[], bigint[], bigint[], bigint[], text[],
    text[], bigint[], bigint[]);
alter type pgetcd.log_answer add attribute alarms smallint;

-- What was committed after a revision. Stable, so that all of it is read in one snapshot. In an empty table the planner
-- would prefer to scan it all, and a prepared statement keeps that plan while the table grows: so it may not.
create or replace function pgetcd.tail(after bigint) returns setof pgetcd.log_answer
    language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off set jit = off as $$
#variable_conflict use_column
begin
    return query select 'tail', c.base_revision, c.compact_revision, c.auth_revision,
        null::bigint[], null::bigint, null::integer, null::bytea, null::bytea, null::bigint, null::bigint, null::bigint, c.alarms
        from pgetcd.cluster c where c.one;
    return query select null, null::bigint, null::bigint, null::bigint, null::bigint[],
        r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease, null::smallint
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
    revoked_leases            bigint[],
    expected_alarms           smallint default 0
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

    select c.compact_revision, c.auth_revision, c.alarms, c.frontends, greatest(c.base_revision, last.revision) as head,
            last.committed_at as last_at, s.last_value as drawn
        into state
        from pgetcd.cluster c cross join pgetcd.revision_seq s left join lateral (
            select r.revision, r.committed_at from pgetcd.revisions r order by r.revision desc, r.sub desc limit 1) last on true;
    head := state.head;

    if head <> append.expected_revision
            or state.compact_revision <> append.expected_compact_revision
            or state.auth_revision <> append.expected_auth_revision
            or state.alarms <> append.expected_alarms then
        if exists (select from pgetcd.revisions r
                where r.revision = append.expected_revision + 1 and r.frontend = append.frontend) then
            return query select 'appended', r.revision, state.compact_revision, state.auth_revision,
                    null::bigint[], null::bigint, null::integer, null::bytea, null::bytea,
                    null::bigint, null::bigint, null::bigint, state.alarms
                from pgetcd.revisions r
                where r.revision = append.expected_revision
                    + (select count(*) from unnest(append.subs) s where s = 0) limit 1;
            return;
        end if;
        return next row('conflict', head, state.compact_revision, state.auth_revision,
            null, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
        return query select t.* from pgetcd.tail(append.expected_revision) t where t.outcome is null;
        return;
    end if;

    if append.required_leases <> '{}' then
        select array_agg(needed) into missing from unnest(append.required_leases) needed
            where not exists (select from pgetcd.leases l where l.id = needed);
        if missing is not null then
            return next row('lease_missing', head, state.compact_revision, state.auth_revision,
                missing, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
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
        null, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
end
$$;

-- A compaction changes data too: not while the store is said to be corrupt. Outcome corrupt, beside those of compact.
create or replace function pgetcd.compact(at_revision bigint, token uuid)
    returns table (outcome text, head bigint, compact_revision bigint) language plpgsql volatile as $$
#variable_conflict use_column
begin
    perform pgetcd.lock_log();
    if exists (select from pgetcd.cluster c where c.alarms & 2 <> 0) then
        outcome := 'corrupt';
        return next;
        return;
    end if;
    select c.outcome, c.head, c.compact_revision into outcome, head, compact_revision from pgetcd.compact(at_revision) c;
    if outcome = 'compacted' then
        update pgetcd.cluster set compact_token = compact.token;
    elsif outcome = 'already' and compact_revision = at_revision
            and exists (select from pgetcd.cluster c where c.compact_token = compact.token) then
        outcome := 'compacted';
    end if;
    return next;
end
$$;

-- Bytes on disk of all that is in the schema, and how many of them hold something. The log is measured on 64 of its
-- pages, evenly spread: what removal has left free there, and what is dead but not yet vacuumed, is room for new rows. So the
-- cost does not grow with the store. The archive only grows and the other tables are small: they count in full.
create function pgetcd.storage_size(out total bigint, out in_use bigint) language plpgsql stable
    set enable_seqscan = off set jit = off as $$
declare
    log_table regclass := format('%I.%I', 'pgetcd', 'revisions')::regclass;
    log_total bigint   := pg_total_relation_size(log_table);
    pages     bigint   := pg_relation_size(log_table) / current_setting('block_size')::integer;
    looked    integer  := least(pages, 64);
    sampled   bigint   := 0;
    page      bigint;
    first     tid;
    beyond    tid;
    bytes     bigint;
begin
    select coalesce(sum(pg_total_relation_size(c.oid)), 0) into total
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'pgetcd' and c.relkind in ('r', 'S');
    for n in 0 .. looked - 1 loop
        page := n * pages / looked;
        first := format('(%s,0)', page)::tid;
        beyond := format('(%s,0)', page + 1)::tid;
        -- What a row takes beside the columns of varying size: its head and line pointer, nine columns of fixed size, and an
        -- entry in each of two indexes.
        select sum(140 + pg_column_size(r.key) + coalesce(pg_column_size(r.value), 0) + coalesce(pg_column_size(r.username), 0)
                + coalesce(pg_column_size(r.client), 0) + pg_column_size(r.frontend) + least(octet_length(r.key), 1024))
            into bytes from pgetcd.revisions r where r.ctid >= first and r.ctid < beyond;
        sampled := sampled + coalesce(bytes, 0);
    end loop;
    in_use := total - log_total + least(log_total, sampled * pages / greatest(looked, 1));
end
$$;

-- Hands the leadership to another member, if it is the caller's and the other is alive. Returns when; else null. It is the
-- other's for two seconds, in which it finds out by beating.
create function pgetcd.hand_over(member_run text, target bigint) returns timestamptz language sql volatile as $$
    update pgetcd.leader l set holder = m.run, expires_at = clock_timestamp() + interval '2 seconds'
        from pgetcd.members m
        where m.id = target and m.heartbeat_at > clock_timestamp() - interval '3 seconds' and l.holder in (member_run, m.run)
        returning clock_timestamp()
$$;

-- As before (0006), but a compaction may be what was lost, and no row. Without the mark that a frontend has, its appends would
-- be refused for ever; and clients have been told of it. So it is set again.
drop function pgetcd.ensure_history(bigint, integer, bytea, bytea);
create function pgetcd.ensure_history(
    seen_revision bigint, seen_sub integer, seen_key bytea, seen_value bytea, seen_compact_revision bigint)
    returns boolean language plpgsql volatile as $$
declare
    state pgetcd.cluster;
    head  bigint;
    found record;
    kept  boolean;
begin
    perform pgetcd.lock_log();
    select * into state from pgetcd.cluster;
    select greatest(state.base_revision, max(r.revision)) into head from pgetcd.revisions r;
    select r.sub, r.key, r.value into found
        from pgetcd.revisions r where r.revision = seen_revision order by r.sub desc limit 1;
    kept := case
        when seen_revision > head then false
        when seen_key is null then true
        -- Compaction may have removed it, or it and not what else its revision did.
        when found.key is null or found.sub < seen_sub then seen_revision < state.compact_revision
        else (found.sub, found.key, found.value) is not distinct from (seen_sub, seen_key, seen_value) end;
    if not kept then
        head := greatest(head, seen_revision) + 1000000;
        update pgetcd.cluster set base_revision = head, compact_revision = head;
        perform pg_notify('pgetcd', head::text);
    elsif state.compact_revision < seen_compact_revision then
        update pgetcd.cluster set compact_revision = seen_compact_revision;
        perform pg_notify('pgetcd', head::text);
    end if;
    return kept;
end
$$;
