-- The list of videos, newest first: a projection of the video streams.
create table video_list (
    video_id         uuid             primary key,
    title            text             not null,
    publisher        text             not null,
    size_bytes       bigint           not null,
    status           text             not null,
    duration_seconds double precision,
    poster_key       text,
    registered_at    timestamptz      not null,
    updated_at       timestamptz      not null
);

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
