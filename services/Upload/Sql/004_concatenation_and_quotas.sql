-- A file may come in parts that are sent side by side and joined at the end, and its length may be told late.
--   kind: video, partial (one part, no video), final (a video joined from parts)
--   parts: what a final upload is joined from, in order
--   final_id: the final upload that has taken a part
--   state, more: joined (a part that a final upload has taken)
alter table uploads add column kind text not null default 'video';
alter table uploads add column parts uuid[];
alter table uploads add column final_id uuid;
alter table uploads alter column length_bytes drop not null;

-- What a publisher's quota counts.
create index uploads_held on uploads (publisher) include (length_bytes) where state in ('open', 'completed');
-- What the sweeper looks through.
drop index uploads_open;
create index uploads_unsettled on uploads (video_id)
    where state = 'open' or (kind = 'partial' and state = 'completed');
