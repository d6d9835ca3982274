-- The frontends and their leader (design §7, §10). All times are by the database's clock.

create table pgetcd.members (
    id           bigint      primary key,  -- the member id, its 64 bits as a signed number
    run          text        not null,     -- names the process; a restart is another run
    name         text        not null,
    client_urls  text[]      not null,
    peer_urls    text[]      not null,
    started_at   timestamptz not null,
    heartbeat_at timestamptz not null,
    behind       bigint      not null      -- revisions not yet applied at the heartbeat
) with (fillfactor = 50);  -- heartbeats stay on their page

-- One row. The holder runs the jobs until the row expires.
create table pgetcd.leader (
    one              boolean     primary key default true check (one),
    holder           text,                                      -- a member's run
    since            timestamptz,                               -- of the holder's first beat
    expires_at       timestamptz not null default '-infinity',
    ticked_at        timestamptz not null default '-infinity',  -- the last beat of any leader
    postmaster_start timestamptz,                               -- of the PostgreSQL process reached by this beat
    renew_after      timestamptz                                -- when set, leases alive at this time are due a full TTL
) with (fillfactor = 50);
insert into pgetcd.leader default values;
