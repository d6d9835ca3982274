-- Changes from SQL, in the caller's own transaction (design §9, docs/decisions/0016).
-- SQLSTATEs: PE003 lease not found, PE004 no key, PE005 too large, PE006 no space, PE007 corrupt.

-- Takes the append lock until the end of the caller's transaction, and finds the end of the log. Later calls in the same transaction
-- cost little. A rollback to a savepoint undoes the changes after it, and the lock if that was taken after it.
create or replace function pgetcd.enter_log(is_put boolean, out head bigint, out now_at timestamptz) language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
declare
    state   record;
    ignored text;
begin
    ignored := pgetcd.lock_log();
    -- Marks the holder of the lock as an SQL writer, which a frontend may cancel (--sql-write-timeout).
    lock table pgetcd.append_lock in row share mode;

    select greatest(c.base_revision, last.revision) as head, last.committed_at as last_at, s.last_value as drawn,
            c.alarms
        into state
        from pgetcd.cluster c cross join pgetcd.revision_seq s left join lateral (
            select r.revision, r.committed_at from pgetcd.revisions r order by r.revision desc, r.sub desc limit 1) last on true;
    if state.alarms & pgetcd.corrupt_alarm() <> 0 then
        raise exception 'etcdserver: corrupt cluster' using errcode = 'PE007';
    elsif is_put and state.alarms & pgetcd.nospace_alarm() <> 0 then
        raise exception 'etcdserver: mvcc: database space exceeded' using errcode = 'PE006';
    end if;
    -- Take back numbers that were drawn and rolled back (design §2, invariant 2).
    if state.drawn <> state.head then
        ignored := setval('pgetcd.revision_seq', state.head, true);
    end if;
    head := state.head;
    now_at := greatest(clock_timestamp(), state.last_at);
end
$$;

-- Puts a key, or deletes it if the value is null, provided that its mod_revision is as expected (null: any; 0: the key does not
-- exist). Returns the revision, or null if nothing was changed.
-- The newest row of a key is the first in the index; a bitmap scan or a sort would read all of its versions.
create or replace function pgetcd.change_key(wanted_key bytea, new_value bytea, lease_id bigint, expected bigint) returns bigint
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set jit = off as $$
declare
    most    constant integer := 1572864;  -- as --max-request-bytes
    state   record;
    before  record;
    is_put  boolean := new_value is not null;
    is_new  boolean;
    drawn   bigint;
    ignored text;
begin
    if wanted_key is null or wanted_key = '' then
        raise exception 'etcdserver: key is not provided' using errcode = 'PE004';
    elsif octet_length(wanted_key) + coalesce(octet_length(new_value), 0) > most then
        raise exception 'etcdserver: request is too large' using errcode = 'PE005',
            detail = format('Key and value may have at most %s bytes together.', most);
    end if;
    state := pgetcd.enter_log(is_put);

    select r.revision, r.create_revision, r.version, r.tombstone into before from pgetcd.revisions r
        where substr(r.key, 1, 1024) = substr(wanted_key, 1, 1024) and r.key = wanted_key
        order by r.revision desc, r.sub desc limit 1;
    is_new := coalesce(before.tombstone, true);
    if (case when is_new then 0 else before.revision end) <> expected or (is_new and not is_put) then
        return null;
    end if;
    if is_put and lease_id <> 0 and not exists (select from pgetcd.leases l where l.id = lease_id) then
        raise exception 'etcdserver: requested lease not found' using errcode = 'PE003',
            detail = format('Lease %s (hex %s).', lease_id, to_hex(lease_id));
    end if;

    drawn := nextval('pgetcd.revision_seq');
    insert into pgetcd.revisions
            (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
        values (drawn, 0, wanted_key, new_value,
            case when not is_put then 0 when is_new then drawn else before.create_revision end,
            case when not is_put then 0 when is_new then 1 else before.version + 1 end,
            case when is_put then lease_id else 0 end,
            state.now_at, session_user,
            pgetcd.sql_client(case when expected is not null then 'compare_and_put' when is_put then 'put' else 'delete' end),
            pgetcd.sql_frontend());
    -- The payload is always the same, so PostgreSQL sends it once per transaction. It names no revision, so no frontend takes it for
    -- a notification of its own or for an old one.
    ignored := pg_notify('pgetcd', pgetcd.sql_frontend());
    return drawn;
end
$$;

-- The address of the session and the request, in the form that frontends write.
create or replace function pgetcd.sql_client(request text) returns text language sql stable
    return case family(inet_client_addr())
        when 4 then format('ipv4:%s:%s', host(inet_client_addr()), inet_client_port())
        when 6 then format('ipv6:[%s]:%s', host(inet_client_addr()), inet_client_port())
        else 'local' end || '#' || request;

-- Deletes all keys with a prefix, in one revision, as DeleteRange does.
create or replace function pgetcd.change_prefix(prefix bytea) returns bigint
    language plpgsql volatile
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set jit = off as $$
declare
    state   record;
    drawn   bigint;
    ignored text;
begin
    if prefix is null then
        raise exception 'no prefix is given' using errcode = 'null_value_not_allowed';
    end if;
    state := pgetcd.enter_log(false);
    insert into pgetcd.revisions
            (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
        select state.head + 1, row_number() over (order by n.key) - 1, n.key, null, 0, 0, 0, state.now_at,
            session_user, pgetcd.sql_client('delete_prefix'), pgetcd.sql_frontend()
        from (
            select distinct on (r.key) r.key, r.tombstone from pgetcd.revisions r
            where substr(r.key, 1, 1024) >= substr(prefix, 1, 1024)
                and substr(r.key, 1, 1024) <= substr(prefix || pgetcd.highest(), 1, 1024)
                and substr(r.key, 1, octet_length(prefix)) = prefix
            order by r.key, r.revision desc, r.sub desc) n
        where not n.tombstone;
    if not found then
        return null;
    end if;
    drawn := nextval('pgetcd.revision_seq');
    ignored := pg_notify('pgetcd', pgetcd.sql_frontend());
    return drawn;
end
$$;

-- The functions for writers. They run with their owner's rights, so that no role needs any on the tables.

create or replace function pgetcd.put(key bytea, value bytea, lease bigint default 0) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if $2 is null or $3 is null then
        raise exception 'no value or no lease is given' using errcode = 'null_value_not_allowed';
    end if;
    return pgetcd.change_key($1, $2, $3, null);
end
$$;
create or replace function pgetcd.put(key text, value text, lease bigint default 0) returns bigint language sql volatile
    return pgetcd.put(convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), $3);

-- Puts only if the key still has that mod_revision; 0: only if the key does not exist.
create or replace function pgetcd.compare_and_put(key bytea, expected_mod_revision bigint, value bytea, lease bigint default 0)
    returns bigint language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    if $2 is null or $3 is null or $4 is null then
        raise exception 'no expected revision, value or lease is given' using errcode = 'null_value_not_allowed';
    end if;
    return pgetcd.change_key($1, $3, $4, $2);
end
$$;
create or replace function pgetcd.compare_and_put(key text, expected_mod_revision bigint, value text, lease bigint default 0) returns bigint
    language sql volatile
    return pgetcd.compare_and_put(convert_to($1, 'UTF8'), $2, convert_to($3, 'UTF8'), $4);

create or replace function pgetcd.delete(key bytea) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pgetcd.change_key($1, null, 0, null);
end
$$;
create or replace function pgetcd.delete(key text) returns bigint language sql volatile
    return pgetcd.delete(convert_to($1, 'UTF8'));

create or replace function pgetcd.delete_prefix(prefix bytea) returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    return pgetcd.change_prefix($1);
end
$$;
create or replace function pgetcd.delete_prefix(prefix text) returns bigint language sql volatile
    return pgetcd.delete_prefix(convert_to($1, 'UTF8'));

-- By default every role may execute a function, and these require no rights on tables.
revoke execute on function pgetcd.put(bytea, bytea, bigint), pgetcd.compare_and_put(bytea, bigint, bytea, bigint),
    pgetcd.delete(bytea), pgetcd.delete_prefix(bytea) from public;
