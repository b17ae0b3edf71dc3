{#-
  Keys of the sessions that a refresh replaces when rows were only appended: each began with an event of a stretch that
  has changed.
-#}
select user_id, occurred_at as started_at
from (
  select user_id, occurred_at, max(is_changed) over (partition by user_id, stretch) as is_concerned
  from (
  {{ numbered_events(true, var('session_dates') or []) }}
  ) as numbered
) as placed
where is_concerned = 1
