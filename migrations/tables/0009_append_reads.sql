-- append is told what its batch's evaluation read (functions/append.sql).
drop function if exists pgetcd.append(bigint, bigint, bigint, text, integer[], bytea[], bytea[], bigint[], bigint[], bigint[], text[],
    text[], bigint[], bigint[], smallint);
