-- The lock that puts appends in order (design §2, invariant 1), on the table append_lock, released by commit. Only the owner may take it;
-- other roles do so through the owner's functions. The mode conflicts with itself, but not with readers of the table; as it is
-- neither a fast-path lock of a session nor one that conflicts with those, PostgreSQL need not search the sessions.
create or replace function pgetcd.lock_log() returns void language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
    perform pgetcd.check_isolation();
    lock table pgetcd.append_lock in share update exclusive mode;
end
$$;

-- Statements under the lock must see the commit of its previous holder, so each needs its own snapshot: that of a transaction may be older.
create or replace function pgetcd.check_isolation() returns void language plpgsql stable set search_path = pg_catalog, pg_temp as $$
begin
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
        raise exception 'keys can be changed only in a read committed transaction, this one is %', current_setting('transaction_isolation')
            using errcode = 'invalid_transaction_state';
    end if;
end
$$;

-- Takes the lock, then returns the rows after a revision: a frontend that has lost to other writers evaluates on these rows and appends in
-- the same transaction, so it cannot lose again. The session of a frontend that hangs there is ended after two seconds.
create or replace function pgetcd.lock_and_tail(after bigint) returns setof pgetcd.log_answer language plpgsql volatile
    security definer set search_path = pg_catalog, pg_temp as $$
declare
    ignored text;
begin
    ignored := set_config('idle_in_transaction_session_timeout', '2s', true);
    ignored := pgetcd.lock_log();
    -- A separate statement, so that its snapshot is taken while the lock is held.
    return query select t.* from pgetcd.tail(lock_and_tail.after) t;
end
$$;
revoke execute on function pgetcd.lock_and_tail(bigint) from public;

-- The session that blocks all writes: the holder of the append lock while another session waits for it or, if the holder itself waits
-- for a lock, the session that blocks the holder. since: start of the session; began: start of the transaction; is_writer: the session has
-- changed keys from SQL (enter_log). Fields of a session that the caller may not see are null.
create or replace function pgetcd.lock_holder() returns table (pid integer, since timestamptz, began timestamptz, state text,
        wait_event text, username text, application text, client text, is_writer boolean) language sql volatile
    set search_path = pg_catalog, pg_temp as $$
    with recursive locks as materialized (
        select l.pid, l.mode, l.granted from pg_locks l
        where l.locktype = 'relation' and l.relation = 'pgetcd.append_lock'::regclass
            and l.database = (select d.oid from pg_database d where d.datname = current_database())
    ),
    chain as (
        select l.pid, 0 as links from locks l
        where l.granted and l.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
            and exists (select from locks w where not w.granted)
        union all
        select b.pid, c.links + 1 from chain c cross join lateral unnest(pg_blocking_pids(c.pid)) b (pid) where c.links < 10
    )
    select c.pid, a.backend_start, a.xact_start, a.state, a.wait_event, a.usename::text, a.application_name, a.client_addr::text,
            exists (select from locks m where m.pid = c.pid and m.granted and m.mode = 'RowShareLock')
        from chain c left join pg_stat_activity a on a.pid = c.pid
        order by c.links desc, c.pid limit 1
$$;
