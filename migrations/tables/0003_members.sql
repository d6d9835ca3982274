-- The frontends, and the one among them that leads (design §7, §10). All times are the database's.

create table pgetcd.members (
    id           bigint      primary key,  -- the member id, its 64 bits as a signed number
    run          text        not null,     -- the process behind it; a restart is another one
    name         text        not null,
    client_urls  text[]      not null,
    peer_urls    text[]      not null,
    started_at   timestamptz not null,
    heartbeat_at timestamptz not null,
    behind       bigint      not null      -- revisions that it had not taken in then
) with (fillfactor = 50);  -- heartbeats stay on their page

-- One row. Its holder runs the jobs, until it expires.
create table pgetcd.leader (
    one              boolean     primary key default true check (one),
    holder           text,                                      -- a member's run
    since            timestamptz,                               -- of the holder's first beat
    expires_at       timestamptz not null default '-infinity',
    ticked_at        timestamptz not null default '-infinity',  -- the last beat of any leader
    postmaster_start timestamptz,                               -- of the PostgreSQL that this beat reached
    renew_after      timestamptz                                -- set: leases that were alive then are due a full TTL
) with (fillfactor = 50);
insert into pgetcd.leader default values;
