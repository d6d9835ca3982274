-- The history as SQL readers see it (design §9, docs/sql.md): text forms, how far back it reaches, views. What reads a past
-- state is in 0010, what writes in 0011. Views read with their owner's rights and the functions read views only, so that
-- a role can be let to the history and not to the tables.

-- Bytes as text; null where they are no UTF-8, or hold a character that this database cannot.
create function pgetcd.as_text(bytes bytea) returns text language plpgsql immutable strict as $$
begin
    return convert_from(bytes, 'UTF8');
exception when others then
    return null;
end
$$;

-- Bytes as JSON; null where they are none.
create function pgetcd.as_json(bytes bytea) returns jsonb language plpgsql immutable strict as $$
begin
    return convert_from(bytes, 'UTF8')::jsonb;
exception when others then
    return null;
end
$$;

-- The first field of a protobuf message that has this number and is of bytes; null if there is none, or it is no protobuf.
create function pgetcd.protobuf_field(message bytea, number integer) returns bytea language plpgsql immutable strict as $$
declare
    size  integer := octet_length(message);
    place integer := 0;
    parts bigint[];
    part  bigint;
    shift integer;
    octet integer;
    wire  integer;
begin
    while place < size loop
        -- A tag, and for bytes their length, for a number its value.
        parts := '{}';
        loop
            part := 0;
            shift := 0;
            loop
                if place >= size or shift > 63 then
                    return null;
                end if;
                octet := get_byte(message, place);
                place := place + 1;
                -- No tag or length needs more than 31 bits; of a value only its end matters.
                if shift < 35 then
                    part := part | ((octet & 127)::bigint << shift);
                end if;
                shift := shift + 7;
                exit when octet < 128;
            end loop;
            parts := parts || part;
            exit when cardinality(parts) = 2;
            wire := (part & 7)::integer;
            exit when wire not in (0, 2);
        end loop;
        case wire
            when 0 then null;
            when 1 then place := place + 8;
            when 5 then place := place + 4;
            when 2 then
                if parts[2] > size - place then
                    return null;
                end if;
                if parts[1] >> 3 = number then
                    return substr(message, place + 1, parts[2]::integer);
                end if;
                place := place + parts[2]::integer;
            else return null;
        end case;
    end loop;
    return null;
end
$$;

-- What a value of Kubernetes is: from its protobuf form (k8s, a zero byte, runtime.Unknown with the TypeMeta and the object,
-- whose first field is the ObjectMeta) or its JSON form. All null where it is neither.
create function pgetcd.kubernetes(value bytea, out api_version text, out kind text, out name text, out namespace text)
    language plpgsql immutable as $$
declare
    body bytea;
    json jsonb;
begin
    if substr(value, 1, 4) = '\x6b387300'::bytea then
        body := substr(value, 5);
        api_version := pgetcd.as_text(pgetcd.protobuf_field(pgetcd.protobuf_field(body, 1), 1));
        kind := pgetcd.as_text(pgetcd.protobuf_field(pgetcd.protobuf_field(body, 1), 2));
        body := pgetcd.protobuf_field(pgetcd.protobuf_field(body, 2), 1);
        name := pgetcd.as_text(pgetcd.protobuf_field(body, 1));
        namespace := nullif(pgetcd.as_text(pgetcd.protobuf_field(body, 3)), '');
    elsif substr(value, 1, 1) = '{'::bytea then
        json := pgetcd.as_json(value);
        if json ? 'apiVersion' and json ? 'kind' then
            api_version := json ->> 'apiVersion';
            kind := json ->> 'kind';
            name := json #>> '{metadata,name}';
            namespace := json #>> '{metadata,namespace}';
        end if;
    end if;
end
$$;

-- The end of the range of all keys with a prefix, as clients give it; null when there is no end.
create function pgetcd.prefix_end(prefix bytea) returns bytea language plpgsql immutable strict as $$
begin
    for n in reverse octet_length(prefix) .. 1 loop
        if get_byte(prefix, n - 1) < 255 then
            return set_byte(substr(prefix, 1, n), n - 1, get_byte(prefix, n - 1) + 1);
        end if;
    end loop;
    return null;
end
$$;

-- No entry of the index by key is above it.
create function pgetcd.highest() returns bytea language sql immutable as $$ select decode(repeat('ff', 1024), 'hex') $$;

-- Every move of the compaction mark. By a trigger: so no way of moving it is left out.
create table pgetcd.compactions (
    compact_revision bigint      not null,
    compacted_at     timestamptz not null default clock_timestamp(),
    username         text        not null default session_user,  -- etcd user, or SQL role
    client           text,                                       -- null: a frontend by itself
    frontend         text                                        -- null: none
);

create function pgetcd.record_compaction() returns trigger language plpgsql as $$
begin
    insert into pgetcd.compactions (compact_revision) values (new.compact_revision);
    return null;
end
$$;
create trigger record_compaction after update of compact_revision on pgetcd.cluster
    for each row when (new.compact_revision > old.compact_revision) execute function pgetcd.record_compaction();

-- As before, and says who asked.
create function pgetcd.compact(at_revision bigint, token uuid, by_user text, by_client text, by_frontend text)
    returns table (outcome text, head bigint, compact_revision bigint) language plpgsql volatile as $$
#variable_conflict use_column
begin
    perform pgetcd.lock_log();
    select c.outcome, c.head, c.compact_revision into outcome, head, compact_revision from pgetcd.compact(at_revision, token) c;
    if outcome = 'compacted' then
        update pgetcd.compactions c set username = coalesce(by_user, c.username), client = by_client, frontend = by_frontend
            where c.compact_revision = at_revision and c.frontend is null;
    end if;
    return next;
end
$$;

-- From here on the history is whole: every state can be told, archived rows included.
alter table pgetcd.removal add column kept_revision bigint not null default 0;
-- What was removed before nobody has noted down.
update pgetcd.removal set kept_revision = walked_revision;

-- How far removal had come when it last moved rows to the partition of a day: what goes with the partition.
create table pgetcd.archive_days (
    day             date   primary key,
    walked_revision bigint not null
);

alter function pgetcd.remove_superseded(integer, interval, boolean) rename to remove_batch;
create function pgetcd.remove_superseded(batch_rows integer, in_doubt interval, to_archive boolean)
    returns table (outcome text, removed bigint) language plpgsql volatile as $$
#variable_conflict use_column
begin
    select b.outcome, b.removed into outcome, removed from pgetcd.remove_batch(batch_rows, in_doubt, to_archive) b;
    if removed > 0 and to_archive then
        -- The batch may have begun before midnight.
        insert into pgetcd.archive_days as d (day, walked_revision)
            select distinct (t.at at time zone 'UTC')::date, m.walked_revision
            from pgetcd.removal m, unnest(array[now(), clock_timestamp()]) as t (at)
            on conflict (day) do update set walked_revision = greatest(d.walked_revision, excluded.walked_revision);
    elsif removed > 0 then
        update pgetcd.removal m set kept_revision = m.walked_revision where m.kept_revision < m.walked_revision;
    end if;
    return next;
end
$$;

-- As before (0005), notes what is forgotten, and forgets compactions along with it.
alter function pgetcd.keep_archive(interval) rename to keep_partitions;
create function pgetcd.keep_archive(retention interval) returns void language plpgsql volatile
    set timezone = 'UTC' set lock_timeout = '2s' as $$
begin
    perform pgetcd.keep_partitions(retention);
    with gone as (
        delete from pgetcd.archive_days d
            where to_regclass(format('%I.%I', 'pgetcd', 'revisions_archive_' || to_char(d.day, 'YYYYMMDD'))) is null
            returning d.walked_revision
    )
    update pgetcd.removal m set kept_revision = greatest(m.kept_revision, (select max(g.walked_revision) from gone g))
        where exists (select from gone);
    delete from pgetcd.compactions c where c.compacted_at < clock_timestamp() - retention;
end
$$;

-- Where the store is. oldest_revision: the first whose state can be told.
create view pgetcd.status as
    select greatest(c.base_revision, (select max(r.revision) from pgetcd.revisions r)) as revision,
        c.compact_revision, greatest(m.kept_revision, 1) as oldest_revision, c.term
    from pgetcd.cluster c cross join pgetcd.removal m;

drop view pgetcd.history;
drop view pgetcd.current_state;

-- The column client holds the address, # and the request's name (docs/decisions/0016).
create view pgetcd.all_revisions as
    select r.revision, r.sub, r.key, r.value, r.tombstone, r.create_revision, r.version, r.lease,
        r.committed_at, r.username, nullif(split_part(r.client, '#', 1), '') as client,
        nullif(split_part(r.client, '#', 2), '') as request, r.frontend, false as archived
    from pgetcd.revisions r
    union all
    select a.revision, a.sub, a.key, a.value, a.tombstone, a.create_revision, a.version, a.lease,
        a.committed_at, a.username, nullif(split_part(a.client, '#', 1), ''),
        nullif(split_part(a.client, '#', 2), ''), a.frontend, true
    from pgetcd.revisions_archive a;

-- All there was and still is, with what each change found: null where it found nothing, or what it found is forgotten.
-- An older row may be left when the one in between was removed while nothing was archived: it must not be taken for it.
create view pgetcd.history as
    select r.key, pgetcd.as_text(r.key) as key_text, r.revision as mod_revision, r.sub,
        case when r.tombstone then 'delete' when r.version = 1 then 'create' else 'update' end as change,
        r.value, pgetcd.as_text(r.value) as value_text, r.tombstone, r.create_revision, r.version, r.lease,
        case when r.version <> 1 then (
            select p.value from pgetcd.all_revisions p
            where substr(p.key, 1, 1024) = substr(r.key, 1, 1024) and p.key = r.key
                and (p.revision, p.sub) < (r.revision, r.sub)
                and case when r.tombstone then r.revision > (select m.kept_revision from pgetcd.removal m)
                    else p.version = r.version - 1 and p.create_revision = r.create_revision end
            order by p.revision desc, p.sub desc limit 1) end as prev_value,
        case when r.version <> 1 then (
            select p.revision from pgetcd.all_revisions p
            where substr(p.key, 1, 1024) = substr(r.key, 1, 1024) and p.key = r.key
                and (p.revision, p.sub) < (r.revision, r.sub)
                and case when r.tombstone then r.revision > (select m.kept_revision from pgetcd.removal m)
                    else p.version = r.version - 1 and p.create_revision = r.create_revision end
            order by p.revision desc, p.sub desc limit 1) end as prev_mod_revision,
        r.committed_at, r.username, r.client, r.request, r.frontend, r.archived
    from pgetcd.all_revisions r;

-- create_revision, mod_revision and version as etcd shows them.
create view pgetcd.current_state as
    select r.key, pgetcd.as_text(r.key) as key_text, r.value, pgetcd.as_text(r.value) as value_text,
        r.create_revision, r.revision as mod_revision, r.version, r.lease
    from (
        select distinct on (key) key, revision, sub, tombstone
        from pgetcd.revisions
        order by key, revision desc, sub desc
    ) newest
    join pgetcd.revisions r using (revision, sub)
    where not newest.tombstone;

-- A lease that has expired is gone when the leader has revoked it: expires_in is negative until then.
create view pgetcd.active_leases as
    select l.id, to_hex(l.id) as id_hex, l.ttl, l.expires_at, l.expires_at - clock_timestamp() as expires_in
    from pgetcd.leases l;

create view pgetcd.lease_keys as
    select s.lease, to_hex(s.lease) as lease_hex, s.key, s.key_text, s.mod_revision
    from pgetcd.current_state s where s.lease <> 0;

create view pgetcd.active_members as
    select to_hex(m.id) as id, m.name, m.client_urls, m.peer_urls, m.run as frontend, m.started_at, m.heartbeat_at,
        m.run = l.holder and l.expires_at > clock_timestamp() as is_leader
    from pgetcd.members m cross join pgetcd.leader l
    where m.heartbeat_at > clock_timestamp() - interval '3 seconds';
