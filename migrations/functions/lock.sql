-- The lock that puts appends in order (design §2, invariant 1). Commit releases it.
create or replace function pgetcd.lock_log() returns void language sql volatile
    return pg_advisory_xact_lock(pgetcd.log_lock(), hashtext('pgetcd'));

-- The lock, then the rows after a revision: a frontend that shares the log with other writers evaluates on them and appends in the
-- same transaction, so it cannot lose. A frontend that hangs there is ended after two seconds, and the others go on.
create or replace function pgetcd.lock_and_tail(after bigint) returns setof pgetcd.log_answer language plpgsql volatile
    set search_path = pg_catalog, pg_temp as $$
declare
    ignored text;
begin
    ignored := set_config('idle_in_transaction_session_timeout', '2s', true);
    ignored := pgetcd.lock_log();
    -- A statement of its own: its snapshot is taken when the lock is held.
    return query select t.* from pgetcd.tail(lock_and_tail.after) t;
end
$$;
