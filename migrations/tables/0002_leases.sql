-- No index on expires_at: with it no renewal would be a heap-only update. Only the leader looks for expired leases, twice
-- a second, and a scan of the table costs less than that index (docs/decisions/0006).
create table pgetcd.leases (
    id          bigint      primary key,
    ttl         bigint      not null,  -- granted, seconds
    expires_at  timestamptz not null,  -- on the database's clock only
    grant_token uuid        not null   -- tells a repeated grant from another one
) with (fillfactor = 70);
