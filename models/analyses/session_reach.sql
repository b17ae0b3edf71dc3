{#-
  How far the changed stretches of activity reach within the dates of `session_dates`: the dates that each spans, and
  whether it may go on beyond them. The runner takes a further day in until none does (S7.3).
-#}
with stretches as (
  select
    user_id,
    stretch,
    min(occurred_at) as first_at,
    max(occurred_at) as last_at,
    min(event_date) as first_date,
    max(event_date) as last_date
  from (
  {{ numbered_events(true, var('session_dates') or []) }}
  ) as numbered
  group by user_id, stretch
  having max(is_changed) = 1
)

select
  first_date,
  last_date,
  max(case when first_at <= {{ start_of_day('first_date') }} + interval '30' minute then 1 else 0 end) as may_start_before,
  max(case when last_at >= {{ start_of_day('last_date') }} + interval '1' day - interval '30' minute then 1 else 0 end)
    as may_end_after
from stretches
group by first_date, last_date
order by first_date, last_date
