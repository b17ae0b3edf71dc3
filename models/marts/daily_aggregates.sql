{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='date') }}

with events as (
  select
    event_date,
    count(*) as total_events,
    {{ count_of_type('custom') }} as custom_events,
    sum(time_on_page) as seconds_on_page,
    count(time_on_page) as timed_events
  from {{ ref('stg_events') }}
  {%- if is_incremental() %}
  where {{ on_touched_dates('event_date') }}
  {%- endif %}
  group by event_date
),

users as (
  select
    date,
    count(*) as users,
    sum(sessions) as active_sessions,
    sum(page_views) as page_views,
    sum(product_views) as product_views,
    sum(add_to_carts) as add_to_carts,
    sum(checkouts) as checkouts,
    sum(purchases) as purchases,
    count(*) filter (where purchases > 0) as buyers
  from {{ ref('daily_user_activity') }}
  {%- if is_incremental() %}
  where {{ on_touched_dates('date') }}
  {%- endif %}
  group by date
)

select
  events.event_date as date,
  events.total_events,
  users.users,
  users.buyers,
  cast(users.active_sessions as bigint) as active_sessions,
  cast(users.page_views as bigint) as page_views,
  cast(users.product_views as bigint) as product_views,
  cast(users.add_to_carts as bigint) as add_to_carts,
  cast(users.checkouts as bigint) as checkouts,
  cast(users.purchases as bigint) as purchases,
  events.custom_events,
  {{ ratio('users.purchases', 'users.product_views') }} as conversion_rate,
  {{ ratio('events.seconds_on_page', 'events.timed_events') }} as avg_time_on_page
from events
inner join users on users.date = events.event_date
