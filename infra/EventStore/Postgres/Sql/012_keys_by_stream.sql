-- The keys of a partition begin with what tells its rows apart. Every append compares its way down them, and most rows are of one
-- tenant: to compare that first costs a tenth of an append of ten events. A partition that holds events keeps the keys it has, which
-- say the same, so that nothing large is built while the store is in use.
create or replace function key_event_partition(p_name text) returns void language plpgsql as $$
begin
    execute format('alter table %I add constraint %I unique (stream, tenant, version)', p_name, p_name || '_stream_version');
    execute format('alter table %I add constraint %I unique (id, tenant)', p_name, p_name || '_id');
end
$$;

do $$
declare
    name   text;
    filled boolean;
begin
    for name in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'events'::regclass order by c.relname
    loop
        execute format('select exists (select from %I)', name) into filled;
        continue when filled;
        -- Whoever appends to it meanwhile is waited for, and seen.
        execute format('lock table %I in access exclusive mode', name);
        execute format('select exists (select from %I)', name) into filled;
        continue when filled;
        execute format('alter table %I drop constraint %I, drop constraint %I', name, name || '_stream_version', name || '_id');
        perform key_event_partition(name);
    end loop;
end
$$;
