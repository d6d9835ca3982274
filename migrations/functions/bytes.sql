-- Bytes as text; null if they are not UTF-8, or hold a character that the database's encoding lacks.
create or replace function pgetcd.as_text(bytes bytea) returns text language plpgsql immutable strict
    set search_path = pg_catalog, pg_temp as $$
begin
    return convert_from(bytes, 'UTF8');
exception when others then
    return null;
end
$$;

-- Bytes as JSON; null if they are not JSON.
create or replace function pgetcd.as_json(bytes bytea) returns jsonb language plpgsql immutable strict
    set search_path = pg_catalog, pg_temp as $$
begin
    return convert_from(bytes, 'UTF8')::jsonb;
exception when others then
    return null;
end
$$;

-- The first length-delimited field with a number in a protobuf message; null if there is none, or the bytes are not protobuf.
create or replace function pgetcd.protobuf_field(message bytea, number integer) returns bytea language plpgsql immutable strict
    set search_path = pg_catalog, pg_temp as $$
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
        -- A tag, followed by the length of a length-delimited field or the value of a varint.
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
                -- Tags and lengths need at most 31 bits; a value only has to be skipped.
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

-- The identity of the Kubernetes object in a value, from its protobuf form ("k8s", a zero byte, runtime.Unknown with the TypeMeta and the
-- object, whose first field is the ObjectMeta) or its JSON form. All fields are null if the value is neither.
create or replace function pgetcd.kubernetes(value bytea, out api_version text, out kind text, out name text, out namespace text)
    language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
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

-- The exclusive end of the range of all keys with a prefix; null if the range is open.
create or replace function pgetcd.prefix_end(prefix bytea) returns bytea language plpgsql immutable strict
    set search_path = pg_catalog, pg_temp as $$
begin
    for n in reverse octet_length(prefix) .. 1 loop
        if get_byte(prefix, n - 1) < 255 then
            return set_byte(substr(prefix, 1, n), n - 1, get_byte(prefix, n - 1) + 1);
        end if;
    end loop;
    return null;
end
$$;
