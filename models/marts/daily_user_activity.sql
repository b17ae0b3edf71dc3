{{
  config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='date',
    meta={'replaces': 'replaced_activity', 'in_buckets': true}
  )
}}
{#- With the appended rows known, only their users' rows are made; the others are taken over. -#}
{%- set keeps = is_incremental() and var('changed_offsets') is not none -%}

with by_product as (
  select
    event_date,
    user_id,
    product_id,
    count(*) as events,
    {{ count_of_type('page_view') }} as page_views,
    {{ count_of_type('product_view') }} as product_views,
    {{ count_of_type('add_to_cart') }} as add_to_carts,
    {{ count_of_type('checkout') }} as checkouts,
    {{ count_of_type('purchase') }} as purchases,
    {{ count_of_type('custom') }} as custom_events,
    sum(time_on_page) as seconds_on_page,
    count(time_on_page) as timed_events
  from {{ ref('stg_events') }}
  where true
  {%- if is_incremental() %}
    and {{ on_touched_dates('event_date') }}
  {%- endif %}
  {%- if keeps %}
    and user_id in ({{ changed_users() }})
  {%- endif %}
  {{- in_own_bucket('user_id') }}
  group by event_date, user_id, product_id
),

activity as (
  select
    event_date,
    user_id,
    sum(events) as total_events,
    sum(page_views) as page_views,
    sum(product_views) as product_views,
    count(*) filter (where product_id is not null and product_views > 0) as products_viewed,
    sum(add_to_carts) as add_to_carts,
    sum(checkouts) as checkouts,
    sum(purchases) as purchases,
    sum(custom_events) as custom_events,
    sum(seconds_on_page) as seconds_on_page,
    sum(timed_events) as timed_events
  from by_product
  group by event_date, user_id
),

-- S7.2: a session counts on every date on which it was active: the one of its start, and the next if it ends there.
active_sessions as (
  select session_date as active_date, user_id
  from {{ ref('user_session_metrics') }}
  {%- if is_incremental() %}
  where {{ on_touched_dates('session_date') }}
  {%- endif %}
  union all
  select end_date as active_date, user_id
  from {{ ref('user_session_metrics') }}
  where end_date > session_date
  {%- if is_incremental() %}
    and {{ since_day_before_touched('session_date') }}
    and {{ on_touched_dates('end_date') }}
  {%- endif %}
),

sessions as (
  select active_date, user_id, count(*) as sessions
  from active_sessions
  where true
  {%- if keeps %}
    and user_id in ({{ changed_users() }})
  {%- endif %}
  {{- in_own_bucket('user_id') }}
  group by active_date, user_id
)

select
  activity.event_date as date,
  activity.user_id,
  cast(activity.total_events as bigint) as total_events,
  coalesce(sessions.sessions, 0) as sessions,
  cast(activity.page_views as bigint) as page_views,
  cast(activity.product_views as bigint) as product_views,
  activity.products_viewed,
  cast(activity.add_to_carts as bigint) as add_to_carts,
  cast(activity.checkouts as bigint) as checkouts,
  cast(activity.purchases as bigint) as purchases,
  cast(activity.custom_events as bigint) as custom_events,
  cast(activity.seconds_on_page as bigint) as seconds_on_page,
  cast(activity.timed_events as bigint) as timed_events,
  {{ ratio('activity.seconds_on_page', 'activity.timed_events') }} as avg_time_on_page
from activity
left join sessions on sessions.active_date = activity.event_date and sessions.user_id = activity.user_id
{%- if keeps and var('takes_over') %}
union all
select kept.*
from {{ this }} as kept
left join activity as made on made.event_date = kept.date and made.user_id = kept.user_id
where {{ on_touched_dates('kept.date') }}
  and made.user_id is null
  {{- in_own_bucket('kept.user_id') }}
{%- endif %}
