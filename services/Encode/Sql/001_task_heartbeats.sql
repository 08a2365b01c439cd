-- The last heartbeat of each running task: started or progressed. The row goes when the task ends.
create table task_heartbeats (
    video_id    uuid not null,
    task        text not null,
    attempt     int not null,
    worker      text not null,
    started_at  timestamptz not null,
    fraction    double precision not null default 0,
    speed       double precision not null default 0,
    received_at timestamptz not null,
    primary key (video_id, task)
);

create index task_heartbeats_received_at on task_heartbeats (received_at);
