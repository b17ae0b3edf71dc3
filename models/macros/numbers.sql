{# One division of two exact integers; null where there is nothing to divide by. #}
{% macro ratio(numerator, denominator) -%}
cast({{ numerator }} as double) / cast(nullif({{ denominator }}, 0) as double)
{%- endmacro %}

{% macro count_of_type(event_type) -%}
count(*) filter (where event_type = '{{ event_type }}')
{%- endmacro %}

{# Sums of counts: DuckDB would make them HUGEINT, which no table format has. #}
{% macro total(column) -%}
cast(sum({{ column }}) as bigint)
{%- endmacro %}
