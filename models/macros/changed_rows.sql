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
