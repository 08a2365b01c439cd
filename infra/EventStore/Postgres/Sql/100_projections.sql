-- The generations of each projection. Readers ask the live one; a rebuild fills the building one beside it and then takes its place.
create table projections (
    name       text        not null,
    generation int         not null,
    version    int         not null,
    lifecycle  text        not null check (lifecycle in ('inline', 'async')),
    state      text        not null check (state in ('live', 'building')),
    shards     int         not null check (shards > 0),
    created_at timestamptz not null default clock_timestamp(),
    live_since timestamptz,
    primary key (name, generation)
);

create unique index projections_one_of_a_state on projections (name, state);

-- Events that a projection or another reader could not take and whose policy is to go on: what a person has to look at.
create table projection_errors (
    reader      text        not null,
    position    bigint      not null,
    stream      text        not null,
    version     bigint      not null,
    event_id    uuid        not null,
    event_name  text        not null,
    error       text        not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (reader, position)
);

-- A reader rests while it is paused, and after an error that it must not go past: stopped then says which.
alter table checkpoints
    add column paused  boolean not null default false,
    add column stopped text;
