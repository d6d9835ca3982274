-- The bit in cluster.alarms for a kind of alarm.
create or replace function pgetcd.alarm_bit(kind integer) returns smallint language sql immutable
    set search_path = pg_catalog, pg_temp as $$
    select case kind when 1 then pgetcd.nospace_alarm() when 2 then pgetcd.corrupt_alarm() else pgetcd.other_alarm() end
$$;

-- Raises or clears an alarm. Returns whether that changed anything.
create or replace function pgetcd.set_alarm(alarm_member_id bigint, alarm_kind integer, raised boolean) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    changed boolean;
begin
    perform pgetcd.lock_log();
    if raised then
        insert into pgetcd.alarms (member_id, kind) values (alarm_member_id, alarm_kind) on conflict do nothing;
    else
        delete from pgetcd.alarms where member_id = alarm_member_id and kind = alarm_kind;
    end if;
    changed := found;
    if changed then
        update pgetcd.cluster set alarms = (
            select coalesce(bit_or(pgetcd.alarm_bit(a.kind)), 0) from pgetcd.alarms a);
        perform pg_notify('pgetcd', (select last_value from pgetcd.revision_seq)::text);
    end if;
    return changed;
end
$$;
revoke execute on function pgetcd.set_alarm(bigint, integer, boolean) from public;
