-- expires_at has no index, as an index would prevent heap-only updates on renewal. Only the leader looks for expired leases,
-- twice a second, and its scan of the table costs less than that index (docs/decisions/0006).
create table pgetcd.leases (
    id          bigint      primary key,
    ttl         bigint      not null,  -- granted, seconds
    expires_at  timestamptz not null,  -- by the database's clock
    grant_token uuid        not null   -- tells a repeated grant from a different one
) with (fillfactor = 70);
