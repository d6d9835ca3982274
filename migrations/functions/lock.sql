-- The lock that puts appends in order (design §2, invariant 1). Commit releases it.
create or replace function pgetcd.lock_log() returns void language sql volatile
    return pg_advisory_xact_lock(pgetcd.log_lock(), hashtext('pgetcd'));
