{{
  config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='session_date',
    meta={'widened_by': 'session_reach', 'replaces': 'replaced_sessions', 'in_buckets': true}
  )
}}
{#- S7.2: a new session after a gap of more than 30 minutes, or once 24 hours have passed since its start. -#}
{%- set incremental = is_incremental() -%}
{%- set takes_over = incremental and var('takes_over') -%}
{%- set days = (var('touched_dates') or []) if var('session_dates') is none else var('session_dates') -%}

with recursive stretches_by_product as (
  select
    user_id,
    stretch,
    product_id,
    {{ session_measures(incremental) }}
  from (
  {{ numbered_events(incremental, days) }}
  ) as numbered
  group by user_id, stretch, product_id
),

stretches as (
  select
    user_id,
    stretch,
    {{ session_totals(incremental) }}
  from stretches_by_product
  group by user_id, stretch
  {%- if incremental %}
  having max(is_changed) = 1
  {%- endif %}
),

-- A stretch that outlasts a session is cut. Hardly any user has one: on one of its dates it goes on for 12 hours.
busy_users as (
  select distinct user_id
  from (
    select user_id, event_date, hour_number
    from (
      select user_id, event_date, {{ hour_number('occurred_at') }} as hour_number
      from {{ ref('stg_events') }}
      where user_id is not null
      {%- if incremental %}
        and {{ on_dates('event_date', days) }}
        and user_id in ({{ changed_users() }})
      {%- endif %}
      {{- in_own_bucket('user_id') }}
    ) as hours
    group by user_id, event_date, hour_number
  ) as active_hours
  group by user_id, event_date
  having count(*) >= 11
),

busy_events as (
  {{ numbered_events(incremental, days, 'busy_users') }}
),

long_stretches as (
  select user_id, stretch, min(occurred_at) as first_at, max(occurred_at) as last_at
  from busy_events
  group by user_id, stretch
  having max(occurred_at) >= min(occurred_at) + interval '24' hour
    {%- if incremental %}
    and max(is_changed) = 1
    {%- endif %}
),

long_events as (
  select busy_events.*
  from busy_events
  inner join long_stretches
    on long_stretches.user_id = busy_events.user_id and long_stretches.stretch = busy_events.stretch
),

-- Where the next session would start if one started here.
next_starts as (
  select distinct
    user_id,
    stretch,
    occurred_at,
    min(occurred_at) over (
      partition by user_id, stretch order by occurred_at
      range between interval '24' hour following and unbounded following
    ) as next_at
  from long_events
),

starts (user_id, stretch, started_at) as (
  select user_id, stretch, first_at from long_stretches
  union all
  select starts.user_id, starts.stretch, next_starts.next_at
  from starts
  inner join next_starts
    on next_starts.user_id = starts.user_id
    and next_starts.stretch = starts.stretch
    and next_starts.occurred_at = starts.started_at
  where next_starts.next_at is not null
),

spans as (
  select
    user_id,
    stretch,
    started_at,
    lead(started_at) over (partition by user_id, stretch order by started_at) as next_started_at
  from starts
),

cut_events as (
  select
    event_id, user_id, client_session_id, event_type, product_id, occurred_at, event_date, page_url, referrer,
    country, device_type, started_at,
    {%- if incremental %}
    is_changed,
    {%- endif %}
    case when row_number() over (partition by user_id, started_at order by occurred_at, event_id) = 1 then 1 else 0 end
      as opens,
    case
      when row_number() over (partition by user_id, started_at order by occurred_at desc, event_id desc) = 1 then 1
      else 0
    end as closes
  from (
    select long_events.*, spans.started_at
    from long_events
    inner join spans
      on spans.user_id = long_events.user_id
      and spans.stretch = long_events.stretch
      and long_events.occurred_at >= spans.started_at
      and (spans.next_started_at is null or long_events.occurred_at < spans.next_started_at)
  ) as placed
),

cut_by_product as (
  select
    user_id,
    started_at,
    product_id,
    {{ session_measures(incremental) }}
  from cut_events
  group by user_id, started_at, product_id
),

cut_sessions as (
  select
    user_id,
    started_at,
    {{ session_totals(incremental) }}
  from cut_by_product
  group by user_id, started_at
)
{%- if takes_over %},

replaced as (
  select earlier.user_id, earlier.started_at
  from {{ this }} as earlier
  inner join stretches
    on stretches.user_id = earlier.user_id
    and earlier.started_at >= stretches.first_at
    and earlier.started_at <= stretches.last_at
  where {{ on_dates('earlier.session_date', days) }}
)
{%- endif %}

select
  {{ session_columns() }}
from stretches
where last_at < first_at + interval '24' hour
union all
select
  {{ session_columns() }}
from cut_sessions
{%- if takes_over %}
union all
-- What the changed stretches do not concern stays as it is.
select kept.*
from {{ this }} as kept
left join replaced on replaced.user_id = kept.user_id and replaced.started_at = kept.started_at
where {{ on_dates('kept.session_date', days) }}
  and replaced.user_id is null
  {%- if var('changed_offsets') is none %}
  and not ({{ on_touched_dates('kept.session_date') }})
  {%- endif %}
  {{- in_own_bucket('kept.user_id') }}
{%- endif %}
