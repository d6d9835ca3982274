-- Leases are granted together (functions/leases.sql).
drop function if exists pgetcd.grant_lease(bigint, bigint, uuid);
