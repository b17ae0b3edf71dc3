{% macro type_instant() -%}
{{ return(adapter.dispatch('type_instant', 'clicklake')()) }}
{%- endmacro %}

{% macro default__type_instant() -%}
timestamp with time zone
{%- endmacro %}

{% macro spark__type_instant() -%}
timestamp
{%- endmacro %}

{# The first instant of a UTC date. #}
{% macro start_of_day(date_expression) -%}
cast({{ date_expression }} as {{ type_instant() }})
{%- endmacro %}

{% macro milliseconds_between(earlier, later) -%}
{{ return(adapter.dispatch('milliseconds_between', 'clicklake')(earlier, later)) }}
{%- endmacro %}

{% macro default__milliseconds_between(earlier, later) -%}
cast(date_diff('millisecond', {{ earlier }}, {{ later }}) as bigint)
{%- endmacro %}

{% macro duckdb__milliseconds_between(earlier, later) -%}
(epoch_ms({{ later }}) - epoch_ms({{ earlier }}))
{%- endmacro %}

{% macro spark__milliseconds_between(earlier, later) -%}
(unix_millis({{ later }}) - unix_millis({{ earlier }}))
{%- endmacro %}

{# The same for all instants of a clock hour, another for every other hour of the date. #}
{% macro hour_number(instant) -%}
{{ return(adapter.dispatch('hour_number', 'clicklake')(instant)) }}
{%- endmacro %}

{% macro default__hour_number(instant) -%}
hour({{ instant }})
{%- endmacro %}

{% macro duckdb__hour_number(instant) -%}
epoch_ms({{ instant }}) // 3600000
{%- endmacro %}
