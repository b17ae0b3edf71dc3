{# UTC dates as SQL that DuckDB, Spark and Trino read alike; sessions run in UTC everywhere. #}

{% macro date_literal(day) -%}
cast('{{ day }}' as date)
{%- endmacro %}

{% macro on_dates(column, days) -%}
{%- if days | length == 0 -%}
1 = 0
{%- else -%}
{{ column }} in ({% for day in days %}{{ date_literal(day) }}{% if not loop.last %}, {% endif %}{% endfor %})
{%- endif -%}
{%- endmacro %}

{% macro touched_dates() -%}
{%- if execute and is_incremental() and var('touched_dates') is none -%}
{{ exceptions.raise_compiler_error("An incremental run needs the variable touched_dates: `clicklake refresh --plan --json` prints it. --full-refresh makes the whole table anew.") }}
{%- endif -%}
{%- endmacro %}

{% macro on_touched_dates(column) -%}
{{ touched_dates() }}{{ on_dates(column, var('touched_dates') or []) }}
{%- endmacro %}

{# From the day before the first touched date on: a session lasts less than 24 hours, and so ends on the next day. #}
{% macro since_day_before_touched(column) -%}
{%- if (var('touched_dates') or []) | length == 0 -%}
1 = 0
{%- else -%}
{{ column }} >= cast({{ date_literal(var('touched_dates') | sort | first) }} - interval '1' day as date)
{%- endif -%}
{%- endmacro %}
