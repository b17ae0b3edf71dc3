{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='date') }}

with by_user as (
  select
    event_date,
    product_id,
    user_id,
    {{ count_of_type('product_view') }} as product_views,
    {{ count_of_type('add_to_cart') }} as add_to_carts,
    {{ count_of_type('checkout') }} as checkouts,
    {{ count_of_type('purchase') }} as purchases,
    sum(time_on_page) as seconds_on_page,
    count(time_on_page) as timed_events
  from {{ ref('stg_events') }}
  where product_id is not null
  {%- if is_incremental() %}
    and {{ on_touched_dates('event_date') }}
  {%- endif %}
  group by event_date, product_id, user_id
)

select
  event_date as date,
  product_id,
  {{ total('product_views') }} as total_views,
  count(*) as unique_users,
  {{ total('add_to_carts') }} as add_to_carts,
  {{ total('checkouts') }} as checkouts,
  {{ total('purchases') }} as purchases,
  {{ ratio('sum(purchases)', 'sum(product_views)') }} as conversion_rate,
  {{ ratio('sum(seconds_on_page)', 'sum(timed_events)') }} as avg_time_on_page
from by_user
group by event_date, product_id
