{{ config(materialized='view', meta={'narrowed_by': 'events_of_changed_users'}) }}

select
  silver.event_id,
  coalesce(silver.user_id, silver.anonymous_id) as user_id,
  silver.session_id as client_session_id,
  silver.event_type,
  silver.product_id,
  silver.timestamp as occurred_at,
  silver.event_date,
  silver.page_url,
  silver.referrer,
  silver.country,
  silver.device_type,
  silver.time_on_page,
  silver.log_partition,
  silver.log_offset
from {{ source('clickstream', 'silver') }} as silver
{%- if not var('include_bots') %}
where coalesce(silver.is_bot, false) = false
{%- endif %}
