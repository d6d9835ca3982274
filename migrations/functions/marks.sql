-- The revisions of the store. oldest_revision: the first whose state is still kept.
create or replace view pgetcd.status as
    select greatest(c.base_revision, (select max(r.revision) from pgetcd.revisions r)) as revision,
        c.compact_revision, greatest((select m.kept_revision from pgetcd.removal m), 1) as oldest_revision, c.term
    from pgetcd.cluster c;
