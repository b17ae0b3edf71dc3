{#-
  All that a refresh has to read of stg_events when rows were only appended: what their users did on the dates of
  `session_dates`. The runner reads it once for all models.
-#}
select *
from {{ ref('stg_events') }}
where {{ on_dates('event_date', var('session_dates') or []) }}
  and user_id in ({{ changed_users() }})
