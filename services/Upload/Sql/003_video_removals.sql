-- Videos whose publisher deleted them: when their media is to be looked for (again), and how often that was done. A row
-- is written before the fact, so that a process that dies after the fact leaves a trace of what is to be removed.
-- What the row says is believed only where the video's own history says it too.
create table video_removals (
    video_id uuid        primary key,
    asked_at timestamptz not null,
    due_at   timestamptz not null,
    passes   int         not null default 0
);
create index video_removals_due on video_removals (due_at);
-- The state of an upload whose video is deleted is 'deleted'; no quota counts it.
