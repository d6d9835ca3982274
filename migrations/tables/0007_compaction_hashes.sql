-- The hashes of the key space that HashKV still answers after a compaction, of the last ten (semantics.md §10.1). compact notes which
-- hash is wanted, and no row that it covers is removed before it is here.
create table pgetcd.compaction_hashes (
    compact_revision  bigint primary key,  -- the hash goes up to here
    previous_revision bigint not null,     -- the compact revision before, under which it is computed; -1: none
    hash              bigint               -- CRC-32C; null: still to be computed
);
