-- The alarms that are raised (semantics.md §10); cluster.alarms sums them up.
create table pgetcd.alarms (
    member_id bigint      not null,  -- a member id, its 64 bits as a signed number; any that the client named
    kind      integer     not null,  -- as on the wire: 1 NOSPACE, 2 CORRUPT
    raised_at timestamptz not null default clock_timestamp(),
    primary key (member_id, kind)
);
