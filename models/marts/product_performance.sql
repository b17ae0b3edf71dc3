{{
  config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='date',
    meta={'in_buckets': true}
  )
}}
{#-
  With the appended rows known, and known to be added only once, their counts are added to those of the table; a visitor
  is new to a product whose rows of it are all new.
-#}
{%- set adds = is_incremental() and var('changed_offsets') is not none and var('runs_once') -%}

with events as (
  select
    event_date,
    product_id,
    user_id,
    {%- if adds %}
    case when {{ is_changed() }} then 0 else 1 end as is_known,
    case when {{ is_changed() }} then event_type end as event_type,
    case when {{ is_changed() }} then time_on_page end as time_on_page
    {%- else %}
    0 as is_known,
    event_type,
    time_on_page
    {%- endif %}
  from {{ ref('stg_events') }}
  where product_id is not null
  {%- if is_incremental() %}
    and {{ on_touched_dates('event_date') }}
  {%- endif %}
  {%- if adds %}
    and user_id in ({{ changed_users(false) }})
  {%- endif %}
  {{- in_own_bucket('product_id') }}
),

by_user as (
  select
    event_date,
    product_id,
    user_id,
    max(is_known) as is_known,
    {{ count_of_type('product_view') }} as product_views,
    {{ count_of_type('add_to_cart') }} as add_to_carts,
    {{ count_of_type('checkout') }} as checkouts,
    {{ count_of_type('purchase') }} as purchases,
    sum(time_on_page) as seconds_on_page,
    count(time_on_page) as timed_events
  from events
  group by event_date, product_id, user_id
),

counted as (
  select
    event_date,
    product_id,
    {{ total('product_views') }} as product_views,
    count(*) filter (where is_known = 0) as unique_users,
    {{ total('add_to_carts') }} as add_to_carts,
    {{ total('checkouts') }} as checkouts,
    {{ total('purchases') }} as purchases,
    {{ total('seconds_on_page') }} as seconds_on_page,
    {{ total('timed_events') }} as timed_events
  from by_user
  group by event_date, product_id
  {%- if adds %}
  union all
  select
    date as event_date,
    product_id,
    total_views as product_views,
    unique_users,
    add_to_carts,
    checkouts,
    purchases,
    seconds_on_page,
    timed_events
  from {{ this }}
  where {{ on_touched_dates('date') }}
  {{- in_own_bucket('product_id') }}
  {%- endif %}
)

select
  event_date as date,
  product_id,
  {{ total('product_views') }} as total_views,
  {{ total('unique_users') }} as unique_users,
  {{ total('add_to_carts') }} as add_to_carts,
  {{ total('checkouts') }} as checkouts,
  {{ total('purchases') }} as purchases,
  {{ total('seconds_on_page') }} as seconds_on_page,
  {{ total('timed_events') }} as timed_events,
  {{ ratio('sum(purchases)', 'sum(product_views)') }} as conversion_rate,
  {{ ratio('sum(seconds_on_page)', 'sum(timed_events)') }} as avg_time_on_page
from counted
group by event_date, product_id
