{#
  Whether a row of stg_events has changed since the model was made. With the offsets of the rows that were appended:
  those rows. Without: every row on the touched dates, and half an hour around them, since a row that has been removed
  there may have held neighbours together.
#}
{% macro is_changed() -%}
{{ touched_dates() }}
{%- if var('changed_offsets') is none -%}
({{ on_dates('event_date', var('touched_dates') or []) }}{% for day in var('touched_dates') or [] %}
      or (occurred_at >= {{ start_of_day(date_literal(day)) }} - interval '30' minute
        and occurred_at < {{ start_of_day(date_literal(day)) }} + interval '1' day + interval '30' minute){% endfor %})
{%- else -%}
{{ is_appended() }}
{%- endif -%}
{%- endmacro %}

{# The rows of `changed_offsets`. The bound by itself lets engines pass over files and row groups by their statistics. #}
{% macro is_appended() -%}
{%- if (var('changed_offsets') or []) | length == 0 -%}
1 = 0
{%- else -%}
({{ on_dates('event_date', var('touched_dates') or []) }}
      and log_offset >= {% if var('changed_offsets') | length == 1 %}{{ var('changed_offsets')[0].from }}{% else %}least({% for range in var('changed_offsets') %}{{ range.from }}{% if not loop.last %}, {% endif %}{% endfor %}){% endif %}
      and ({% for range in var('changed_offsets') %}(log_partition = {{ range.partition }} and log_offset >= {{ range.from }} and log_offset < {{ range.to }}){% if not loop.last %} or {% endif %}{% endfor %}))
{%- endif -%}
{%- endmacro %}

{#
  Whoever has a changed row: nobody else's rows differ from what was made of them. In a model whose buckets are of
  users, those of the one at hand.
#}
{% macro changed_users(in_buckets_of_users=true) -%}
select changed.user_id from {{ ref('stg_events') }} as changed where {{ is_changed() }}
{%- if in_buckets_of_users -%}
{{ in_own_bucket('changed.user_id') }}
{%- endif -%}
{%- endmacro %}
