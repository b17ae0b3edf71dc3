{#
  Stretches of activity: the longest runs of a user's events without a gap above 30 minutes.

  A SELECT of events with the number of their stretch, and whether they open or close it. Incremental: events on these
  dates, of the users with a changed row. `users` names a relation of users to which all is limited.
#}
{% macro numbered_events(incremental, days, users=none) -%}
select
    *,
    cast(sum(opens) over (
      partition by user_id order by occurred_at, event_id rows between unbounded preceding and current row
    ) as bigint) as stretch
  from (
    select
      *,
      case
        when lag(occurred_at) over (partition by user_id order by occurred_at, event_id) >= occurred_at - interval '30' minute
          then 0
        else 1
      end as opens,
      case
        when lead(occurred_at) over (partition by user_id order by occurred_at, event_id) <= occurred_at + interval '30' minute
          then 0
        else 1
      end as closes
    from (
      select
        event_id, user_id, client_session_id, event_type, product_id, occurred_at, event_date, page_url, referrer,
        country, device_type
        {%- if incremental %},
        case when {{ is_changed() }} then 1 else 0 end as is_changed
        {%- endif %}
      from {{ ref('stg_events') }}
      where user_id is not null
      {%- if incremental %}
        and {{ on_dates('event_date', days) }}
        and user_id in ({{ changed_users() }})
      {%- endif %}
      {%- if users is not none %}
        and user_id in (select chosen.user_id from {{ users }} as chosen)
      {%- endif %}
      {{- in_own_bucket('user_id') }}
    ) as events
  ) as with_neighbours
{%- endmacro %}

{# Of a table that is made in pieces that fit the memory, the rows of the one at hand. #}
{% macro in_own_bucket(column) -%}
{%- if var('bucket') is not none %}
        and {{ in_bucket(column, var('bucket')) }}
{%- endif %}
{%- endmacro %}

{% macro in_bucket(column, bucket) -%}
{{ return(adapter.dispatch('in_bucket', 'clicklake')(column, bucket)) }}
{%- endmacro %}

{% macro duckdb__in_bucket(column, bucket) -%}
hash({{ column }}) % {{ bucket.of }} = {{ bucket.number }}
{%- endmacro %}

{% macro default__in_bucket(column, bucket) -%}
mod(crc32(to_utf8({{ column }})), {{ bucket.of }}) = {{ bucket.number }}
{%- endmacro %}

{% macro spark__in_bucket(column, bucket) -%}
mod(crc32({{ column }}), {{ bucket.of }}) = {{ bucket.number }}
{%- endmacro %}

{# What a session says of its events; of first and last event by the columns `opens` and `closes`. #}
{% macro session_measures(incremental) -%}
min(event_date) as first_date,
    max(event_date) as last_date,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at,
    count(*) as events,
    {{ count_of_type('page_view') }} as page_views,
    {{ count_of_type('product_view') }} as product_views,
    {{ count_of_type('add_to_cart') }} as add_to_carts,
    {{ count_of_type('checkout') }} as checkouts,
    {{ count_of_type('purchase') }} as purchases,
    {{ count_of_type('custom') }} as custom_events,
    max(case when opens = 1 then event_id end) as session_id,
    max(case when opens = 1 then client_session_id end) as client_session_id,
    max(case when opens = 1 then page_url end) as landing_page,
    max(case when closes = 1 then page_url end) as exit_page,
    max(case when opens = 1 then referrer end) as referrer,
    max(case when opens = 1 then country end) as country,
    max(case when opens = 1 then device_type end) as device_type
    {%- if incremental %},
    max(is_changed) as is_changed
    {%- endif %}
{%- endmacro %}

{# The same, of rows that are by product already. #}
{% macro session_totals(incremental) -%}
min(first_date) as first_date,
    max(last_date) as last_date,
    min(first_at) as first_at,
    max(last_at) as last_at,
    {{ total('events') }} as total_events,
    {{ total('page_views') }} as page_views,
    {{ total('product_views') }} as product_views,
    count(*) filter (where product_id is not null and product_views > 0) as products_viewed,
    {{ total('add_to_carts') }} as add_to_carts,
    {{ total('checkouts') }} as checkouts,
    {{ total('purchases') }} as purchases,
    {{ total('custom_events') }} as custom_events,
    max(session_id) as session_id,
    max(client_session_id) as client_session_id,
    max(landing_page) as landing_page,
    max(exit_page) as exit_page,
    max(referrer) as referrer,
    max(country) as country,
    max(device_type) as device_type
    {%- if incremental %},
    max(is_changed) as is_changed
    {%- endif %}
{%- endmacro %}

{# The columns of user_session_metrics, from totals. #}
{% macro session_columns() -%}
first_date as session_date,
  user_id,
  session_id,
  first_at as started_at,
  last_at as ended_at,
  last_date as end_date,
  {{ milliseconds_between('first_at', 'last_at') }} as duration_ms,
  total_events,
  page_views,
  product_views,
  products_viewed,
  add_to_carts,
  checkouts,
  purchases,
  custom_events,
  client_session_id,
  landing_page,
  exit_page,
  referrer,
  country,
  device_type
{%- endmacro %}
