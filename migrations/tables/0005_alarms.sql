-- The raised alarms (semantics.md §10); cluster.alarms combines their kinds.
create table pgetcd.alarms (
    member_id bigint      not null,  -- as the client named it, unchecked; its 64 bits as a signed number
    kind      integer     not null,  -- as on the wire: 1 NOSPACE, 2 CORRUPT
    raised_at timestamptz not null default clock_timestamp(),
    primary key (member_id, kind)
);
