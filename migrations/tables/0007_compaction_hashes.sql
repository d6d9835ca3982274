-- The hashes of the key space at the last ten compactions, which HashKV still answers (semantics.md §10.1). compact notes which hash is
-- wanted, and no row covered by that hash is removed before the hash is stored.
create table pgetcd.compaction_hashes (
    compact_revision  bigint primary key,  -- the last revision in the hash
    previous_revision bigint not null,     -- the previous compact revision, under which the hash is computed; -1: none
    hash              bigint               -- CRC-32C; null: still to be computed
);
