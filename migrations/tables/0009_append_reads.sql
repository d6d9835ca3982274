-- append takes the keys and ranges that the evaluation of its batch read (functions/append.sql).
drop function if exists pgetcd.append(bigint, bigint, bigint, text, integer[], bytea[], bytea[], bigint[], bigint[], bigint[], text[],
    text[], bigint[], bigint[], smallint);
