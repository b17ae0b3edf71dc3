{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='date') }}

select
  date,
  {{ total('total_events') }} as total_events,
  count(*) as users,
  count(*) filter (where purchases > 0) as buyers,
  {{ total('sessions') }} as active_sessions,
  {{ total('page_views') }} as page_views,
  {{ total('product_views') }} as product_views,
  {{ total('add_to_carts') }} as add_to_carts,
  {{ total('checkouts') }} as checkouts,
  {{ total('purchases') }} as purchases,
  {{ total('custom_events') }} as custom_events,
  {{ ratio('sum(purchases)', 'sum(product_views)') }} as conversion_rate,
  {{ ratio('sum(seconds_on_page)', 'sum(timed_events)') }} as avg_time_on_page
from {{ ref('daily_user_activity') }}
{%- if is_incremental() %}
where {{ on_touched_dates('date') }}
{%- endif %}
group by date
