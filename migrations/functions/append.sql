-- The conditional append: appends a batch if, and only if, its evaluation still holds (design §2, invariant 3): the log still ends where
-- the batch was evaluated, or other writers have since changed nothing that the evaluation read. In the latter case the batch goes behind
-- their rows (decision 20), and the answer includes these: its first row says appended, the others are the rows that the frontend missed.
-- The rows of the batch come in order; a row with sub 0 starts the next revision. One round trip, one commit, one NOTIFY (none while the
-- frontend is alone).
-- read_keys, read_starts, read_ends: keys and ranges that the evaluation read, besides the keys of the rows; a null end is open.
-- read_keys null: the batch is valid only where it was evaluated.
-- The function runs with its owner's rights, and a caller has no rights on the table (docs/security.md). The position, order and time of
-- rows are therefore decided here; only their contents come from the caller.
-- A call repeated with the same arguments by the same frontend run appends nothing and says appended, so a frontend whose connection died
-- during COMMIT learns the outcome by calling again (invariant 6).
create or replace function pgetcd.append(
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
    expected_alarms           smallint default 0,
    read_keys                 bytea[] default null,
    read_starts               bytea[] default '{}',
    read_ends                 bytea[] default '{}'
) returns setof pgetcd.log_answer language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
    state   record;
    found   record;
    head    bigint;
    now_at  timestamptz;
    missing bigint[];
    ignored text;
begin
    -- lock_log, without the cost of a call. Each statement below takes a new snapshot (read committed), so reads after the lock
    -- see the commit of its previous holder.
    -- An assignment, here and below, costs a tenth of PERFORM, as it needs no executor.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        ignored := pgetcd.check_isolation();
    end if;
    lock table pgetcd.append_lock in share update exclusive mode;

    -- marks_hold is null if an expectation is null, and null does not pass.
    select c.compact_revision, c.auth_revision, c.alarms, c.frontends, greatest(c.base_revision, last.revision) as head,
            last.committed_at as last_at, s.last_value as drawn,
            c.compact_revision = append.expected_compact_revision and c.auth_revision = append.expected_auth_revision
                and c.alarms = append.expected_alarms as marks_hold
        into state
        from pgetcd.cluster c cross join pgetcd.revision_seq s left join lateral (
            select r.revision, r.committed_at from pgetcd.revisions r order by r.revision desc, r.sub desc limit 1) last on true;
    head := state.head;

    if (head = append.expected_revision and state.marks_hold) is not true then
        select p.base, p.is_there, p.is_free into found
            from pgetcd.place(append.expected_revision, append.frontend, append.keys || append.read_keys,
                append.read_starts, append.read_ends) p;
        if found.is_there then
            head := found.base + (select count(*) from unnest(append.subs) s where s = 0);
            return next row('appended', head, state.compact_revision, state.auth_revision,
                null, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
            return query select t.* from pgetcd.tail(append.expected_revision) t where t.revision <= found.base;
            return;
        end if;
        if (found.is_free and append.read_keys is not null and head > append.expected_revision and state.marks_hold) is not true then
            return next row('conflict', head, state.compact_revision, state.auth_revision,
                null, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
            return query select t.* from pgetcd.tail(append.expected_revision) t where t.outcome is null;
            return;
        end if;
    end if;

    -- Leases of the rows are not checked: a put that keeps the lease of a key does not require it, and that lease may have been lost.
    if append.required_leases <> '{}' then
        missing := pgetcd.missing_leases(append.required_leases);
        if missing is not null then
            return next row('lease_missing', head, state.compact_revision, state.auth_revision,
                missing, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
            return;
        end if;
    end if;

    if append.keys <> '{}' then
        -- The subs of each revision count up from 0, so that no row joins a revision drawn earlier.
        if (0 = all (append.subs)) is not true and (append.subs[1] is distinct from 0 or exists (
                select from unnest(append.subs[1:cardinality(append.subs) - 1], append.subs[2:]) as s (before, next)
                where s.next is distinct from 0 and s.next is distinct from s.before + 1)) then
            raise exception 'the subs of a revision do not count up from 0' using errcode = 'invalid_parameter_value';
        end if;
        -- Take back numbers that a rolled-back append has drawn (invariant 2).
        if state.drawn <> head then
            ignored := setval('pgetcd.revision_seq', head, true);
        end if;
        -- All rows of the batch get one time, by which verification recognises rows that were appended together.
        now_at := greatest(clock_timestamp(), state.last_at);
        insert into pgetcd.revisions
                (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
            select case row.sub when 0 then nextval('pgetcd.revision_seq') else currval('pgetcd.revision_seq') end,
                row.sub, row.key, row.value,
                case when row.create_revision <= append.expected_revision then row.create_revision
                    else row.create_revision - append.expected_revision + state.head end,
                row.version, row.lease,
                now_at, row.username, row.client, append.frontend
            from unnest(append.subs, append.keys, append.vals, append.create_revisions, append.versions,
                append.leases, append.usernames, append.clients)
                as row (sub, key, value, create_revision, version, lease, username, client);
        head := currval('pgetcd.revision_seq');
        if state.frontends > 1 then
            ignored := pg_notify('pgetcd', head || ' ' || append.frontend);
        end if;
    end if;

    if append.revoked_leases <> '{}' then
        ignored := pgetcd.forget_leases(append.revoked_leases);
    end if;

    return next row('appended', head, state.compact_revision, state.auth_revision,
        null, null, null, null, null, null, null, null, state.alarms)::pgetcd.log_answer;
    if state.head <> append.expected_revision then
        return query select t.* from pgetcd.tail(append.expected_revision) t where t.revision <= state.head;
    end if;
end
$$;

-- The place of a batch in a log that has grown since its evaluation. is_there: the batch has already been appended, behind base; a run has
-- one append under way, so all of its rows after expected_revision are of this append. is_free: no row since then has a key that the
-- evaluation read or the batch writes. Without the generic plan each call would be planned (60 of 85 µs). A plan made while the table was
-- almost empty must suit a large one, so scans are off as in tail, the order by names the index, and nested loops, which would compare each
-- row with each key, are off.
create or replace function pgetcd.place(
    expected_revision bigint, frontend text, keys bytea[], read_starts bytea[], read_ends bytea[],
    out base bigint, out is_there boolean, out is_free boolean
) language plpgsql stable
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_bitmapscan = off set enable_nestloop = off set jit = off
    set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    select min(r.revision) filter (where r.frontend = place.frontend) - 1,
            bool_or(k.key is not null or cardinality(place.read_starts) > 0 and exists (
                select from unnest(place.read_starts, place.read_ends) as s (first, behind)
                where r.key >= s.first and (r.key < s.behind) is not false)) is not true
        into base, is_free
        from (select l.revision, l.key, l.frontend from pgetcd.revisions l where l.revision > place.expected_revision
                order by l.revision, l.sub) r
            left join unnest(place.keys) k (key) on k.key = r.key;
    is_there := base is not null;
end
$$;

-- The append of a single change, the usual case under light load: plain parameters and a single result, where append takes arrays and
-- returns a set (docs/decisions/0005). Returns the revision, or null if nothing was appended: the log does not end where it is expected to,
-- or the lease does not exist. A call of append then tells which, or that this very append has already been made.
create or replace function pgetcd.append_one(
    expected_revision         bigint,
    expected_compact_revision bigint,
    expected_auth_revision    bigint,
    expected_alarms           smallint,
    frontend                  text,
    key                       bytea,
    value                     bytea,
    create_revision           bigint,
    version                   bigint,
    lease                     bigint,
    username                  text,
    client                    text
) returns bigint language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    state   record;
    head    bigint;
    ignored text;
begin
    -- As in append, the statements after the lock see the commit of its previous holder.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        ignored := pgetcd.check_isolation();
    end if;
    lock table pgetcd.append_lock in share update exclusive mode;

    select c.frontends, last.committed_at as last_at, pg_sequence_last_value('pgetcd.revision_seq'::regclass) as drawn
        into state
        from pgetcd.cluster c left join lateral (
            select r.revision, r.committed_at from pgetcd.revisions r order by r.revision desc, r.sub desc limit 1) last on true
        where greatest(c.base_revision, last.revision) = append_one.expected_revision
            and c.compact_revision = append_one.expected_compact_revision
            and c.auth_revision = append_one.expected_auth_revision
            and c.alarms = append_one.expected_alarms;
    if not found then
        return null;
    end if;
    -- Two nested ifs: one condition with a subquery would cost as much as a statement even without a lease.
    if append_one.lease <> 0 then
        if not exists (select from pgetcd.leases l where l.id = append_one.lease) then
            return null;
        end if;
    end if;

    if state.drawn is distinct from append_one.expected_revision then
        ignored := setval('pgetcd.revision_seq', append_one.expected_revision, true);
    end if;
    head := nextval('pgetcd.revision_seq');
    insert into pgetcd.revisions
            (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
        values (head, 0, append_one.key, append_one.value, append_one.create_revision, append_one.version, append_one.lease,
            greatest(clock_timestamp(), state.last_at), append_one.username, append_one.client, append_one.frontend);
    if state.frontends > 1 then
        ignored := pg_notify('pgetcd', head || ' ' || append_one.frontend);
    end if;
    return head;
end
$$;

revoke execute on function
    pgetcd.append(bigint, bigint, bigint, text, integer[], bytea[], bytea[], bigint[], bigint[], bigint[], text[], text[], bigint[],
        bigint[], smallint, bytea[], bytea[], bytea[]),
    pgetcd.append_one(bigint, bigint, bigint, smallint, text, bytea, bytea, bigint, bigint, bigint, text, text) from public;
