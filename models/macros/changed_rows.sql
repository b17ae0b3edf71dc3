{#
  Whether a row of stg_events has changed since the sessions were made. With the offsets of the rows that were
  appended: those rows. Without: every row on the touched dates, and half an hour around them, since a row that has
  been removed there may have held neighbours together.
#}
{% macro is_changed() -%}
{{ touched_dates() }}
{%- if var('changed_offsets') is none -%}
({{ on_dates('event_date', var('touched_dates') or []) }}{% for day in var('touched_dates') or [] %}
      or (occurred_at >= {{ start_of_day(date_literal(day)) }} - interval '30' minute
        and occurred_at < {{ start_of_day(date_literal(day)) }} + interval '1' day + interval '30' minute){% endfor %})
{%- elif var('changed_offsets') | length == 0 -%}
1 = 0
{%- else -%}
({{ on_dates('event_date', var('touched_dates') or []) }}
      and ({% for range in var('changed_offsets') %}(log_partition = {{ range.partition }} and log_offset >= {{ range.from }} and log_offset < {{ range.to }}){% if not loop.last %} or {% endif %}{% endfor %}))
{%- endif -%}
{%- endmacro %}

{#
  Stretches of activity: the longest runs of a user's events without a gap above 30 minutes. CTEs `numbered` (events
  with the number of their stretch) and `stretches`. Incremental: of the users with a changed row, on these dates.
#}
{% macro activity_stretches(incremental, days) -%}
events as (
  select
    event_id, user_id, client_session_id, event_type, product_id, occurred_at, event_date, page_url, referrer,
    country, device_type
    {%- if incremental %},
    case when {{ is_changed() }} then 1 else 0 end as is_changed
    {%- endif %}
  from {{ ref('stg_events') }}
  {%- if incremental %}
  where {{ on_dates('event_date', days) }}
    and user_id in (select changed.user_id from {{ ref('stg_events') }} as changed where {{ is_changed() }})
  {%- endif %}
),

with_previous as (
  select *, lag(occurred_at) over (partition by user_id order by occurred_at, event_id) as previous_at
  from events
),

numbered as (
  select
    *,
    cast(sum(case when previous_at is null or occurred_at > previous_at + interval '30' minute then 1 else 0 end) over (
      partition by user_id order by occurred_at, event_id rows between unbounded preceding and current row
    ) as bigint) as stretch
  from with_previous
),

stretches as (
  select
    user_id, stretch, min(occurred_at) as first_at, max(occurred_at) as last_at, min(event_date) as first_date,
    max(event_date) as last_date
  from numbered
  group by user_id, stretch
  {%- if incremental %}
  having max(is_changed) = 1
  {%- endif %}
)
{%- endmacro %}
