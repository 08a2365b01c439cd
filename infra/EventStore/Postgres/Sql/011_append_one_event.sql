-- Vouches for a stream that one event was just appended to (OneEvent.Next): whether it was there, and whether the id is new to it.
-- Asked only where the row itself does not say so, since a call costs as much as a write. A version of 0 is that of a row that the
-- append inserted because there was none; the error, which append_events gives in the same form for p_whole, undoes it.
create function check_moved(p_tenant text, p_stream text, p_version bigint, p_position bigint, p_id uuid) returns boolean
language plpgsql as $$
begin
    if p_version = 0 then
        raise exception using errcode = 'ES001', message = '1 0';
    end if;
    perform check_ids_are_new(p_tenant, p_stream, p_position, array[p_id]);
    return true;
end
$$;
