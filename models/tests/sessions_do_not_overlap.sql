-- S7.2: the next session of a visitor begins after the end of this one.
select user_id, started_at, ended_at, next_started_at
from (
  select
    user_id, started_at, ended_at,
    lead(started_at) over (partition by user_id order by started_at, ended_at) as next_started_at
  from {{ ref('user_session_metrics') }}
) as in_order
where next_started_at <= ended_at
