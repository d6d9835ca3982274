-- The append of a lone change, as it comes when little is written: plain parameters and one value where append takes arrays
-- and answers with a set (docs/decisions/0005). Returns the revision, or null, and nothing was appended, when the log is not
-- where it is expected or the lease does not exist: append tells which, also when this very append was here before.
create function pgetcd.append_one(
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
) returns bigint language plpgsql volatile as $$
declare
    state   record;
    head    bigint;
    ignored text;
begin
    -- As in append: the statements after the lock see what its previous holder committed.
    ignored := pgetcd.lock_log();

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
    -- A condition with a subquery in it would cost as much as a statement, also without a lease.
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
