-- S7.2: 24 hours after its start a session is over, so it touches two dates at most.
select user_id, started_at, ended_at
from {{ ref('user_session_metrics') }}
where ended_at >= started_at + interval '24' hour or ended_at < started_at
