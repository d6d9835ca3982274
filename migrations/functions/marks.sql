-- The revisions of the store. oldest_revision: the first whose state is still kept.
create or replace view pgetcd.status as
    select greatest(c.base_revision, (select max(r.revision) from pgetcd.revisions r)) as revision,
        c.compact_revision, greatest(m.kept_revision, 1) as oldest_revision, c.term
    from pgetcd.cluster c cross join pgetcd.removal m;
