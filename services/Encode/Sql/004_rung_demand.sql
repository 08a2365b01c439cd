-- Videos with rungs that are made when a viewer comes: the job that makes them, and when the last viewer was there.
create table rung_demand (
    job_id    uuid primary key,
    video_id  uuid not null,
    requested boolean not null default false,
    wanted_at timestamptz
);

create index rung_demand_video_id on rung_demand (video_id);
create index rung_demand_wanted_at on rung_demand (wanted_at) where requested;
