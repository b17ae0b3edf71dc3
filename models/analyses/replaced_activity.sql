{#- Keys of the rows that a refresh replaces when rows were only appended: their visitors' dates. -#}
select distinct event_date as date, user_id
from {{ ref('stg_events') }}
where {{ on_touched_dates('event_date') }}
  and user_id in ({{ changed_users() }})
