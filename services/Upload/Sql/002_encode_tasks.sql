-- How far each encoding task is: what encode.events said last.
create table encode_tasks (
    video_id   uuid             not null,
    task       text             not null,
    state      text             not null,
    fraction   double precision not null,
    speed      double precision,
    worker     text,
    attempt    int,
    cause      text,
    updated_at timestamptz      not null,
    primary key (video_id, task)
);
