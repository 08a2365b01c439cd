-- Videos whose first rung waits for a worker, and those whose other tasks are held meanwhile.
create table first_lane (
    video_id   uuid primary key,
    waiting    boolean not null,
    held_since timestamptz
);
