-- The newest step of the load that was published; its row is locked by the planner that publishes the next.
create table load_step (
    one    boolean primary key default true check (one),
    newest timestamptz
);

insert into load_step default values;

-- How much longer than estimated the tasks of a lane took of late.
create table lane_pace (
    lane text primary key,
    pace double precision not null
);
