{{
  config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='session_date',
    meta={'widened_by': 'session_reach'}
  )
}}
{#- S7.2: a new session after a gap of more than 30 minutes, or once 24 hours have passed since its start. -#}
{%- set days = (var('touched_dates') or []) if var('session_dates') is none else var('session_dates') -%}

with recursive {{ activity_stretches(is_incremental(), days) }},

-- Where the next session would start if one started here: only in stretches that outlast a session.
next_starts as (
  select distinct
    numbered.user_id,
    numbered.stretch,
    numbered.occurred_at,
    min(numbered.occurred_at) over (
      partition by numbered.user_id, numbered.stretch order by numbered.occurred_at
      range between interval '24' hour following and unbounded following
    ) as next_at
  from numbered
  inner join stretches on stretches.user_id = numbered.user_id and stretches.stretch = numbered.stretch
  where stretches.last_at >= stretches.first_at + interval '24' hour
),

starts (user_id, stretch, started_at) as (
  select user_id, stretch, first_at from stretches
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
    user_id, stretch, started_at,
    lead(started_at) over (partition by user_id, stretch order by started_at) as next_started_at
  from starts
),

in_sessions as (
  select
    numbered.*,
    spans.started_at,
    row_number() over (
      partition by numbered.user_id, spans.started_at order by numbered.occurred_at, numbered.event_id
    ) as position,
    count(*) over (partition by numbered.user_id, spans.started_at) as session_length
  from numbered
  inner join spans
    on spans.user_id = numbered.user_id
    and spans.stretch = numbered.stretch
    and numbered.occurred_at >= spans.started_at
    and (spans.next_started_at is null or numbered.occurred_at < spans.next_started_at)
),

by_product as (
  select
    user_id,
    started_at,
    product_id,
    min(event_date) as first_date,
    max(event_date) as last_date,
    max(occurred_at) as last_at,
    count(*) as events,
    {{ count_of_type('page_view') }} as page_views,
    {{ count_of_type('product_view') }} as product_views,
    {{ count_of_type('add_to_cart') }} as add_to_carts,
    {{ count_of_type('checkout') }} as checkouts,
    {{ count_of_type('purchase') }} as purchases,
    {{ count_of_type('custom') }} as custom_events,
    max(case when position = 1 then event_id end) as first_event_id,
    max(case when position = 1 then client_session_id end) as client_session_id,
    max(case when position = 1 then page_url end) as landing_page,
    max(case when position = session_length then page_url end) as exit_page,
    max(case when position = 1 then referrer end) as referrer,
    max(case when position = 1 then country end) as country,
    max(case when position = 1 then device_type end) as device_type
  from in_sessions
  group by user_id, started_at, product_id
),

sessions as (
  select
    min(first_date) as session_date,
    user_id,
    max(first_event_id) as session_id,
    started_at,
    max(last_at) as ended_at,
    max(last_date) as end_date,
    {{ milliseconds_between('started_at', 'max(last_at)') }} as duration_ms,
    {{ total('events') }} as total_events,
    {{ total('page_views') }} as page_views,
    {{ total('product_views') }} as product_views,
    count(*) filter (where product_id is not null and product_views > 0) as products_viewed,
    {{ total('add_to_carts') }} as add_to_carts,
    {{ total('checkouts') }} as checkouts,
    {{ total('purchases') }} as purchases,
    {{ total('custom_events') }} as custom_events,
    max(client_session_id) as client_session_id,
    max(landing_page) as landing_page,
    max(exit_page) as exit_page,
    max(referrer) as referrer,
    max(country) as country,
    max(device_type) as device_type
  from by_product
  group by user_id, started_at
)

select * from sessions
{%- if is_incremental() %}
union all
-- What the changed stretches do not concern stays as it is.
select kept.*
from {{ this }} as kept
where {{ on_dates('kept.session_date', days) }}
  {%- if var('changed_offsets') is none %}
  and not ({{ on_touched_dates('kept.session_date') }})
  {%- endif %}
  and not exists (
    select 1
    from stretches
    where stretches.user_id = kept.user_id
      and kept.started_at >= stretches.first_at
      and kept.started_at <= stretches.last_at
  )
{%- endif %}
