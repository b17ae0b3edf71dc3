{#-
  How far the changed stretches of activity reach within the dates of `session_dates`: the dates that each spans, and
  whether it may go on beyond them. The runner takes a further day in until none does (S7.3).
-#}
with {{ activity_stretches(true, var('session_dates') or []) }}

select
  first_date,
  last_date,
  max(case when first_at <= {{ start_of_day('first_date') }} + interval '30' minute then 1 else 0 end) as may_start_before,
  max(case when last_at >= {{ start_of_day('last_date') }} + interval '1' day - interval '30' minute then 1 else 0 end)
    as may_end_after
from stretches
group by first_date, last_date
order by first_date, last_date
