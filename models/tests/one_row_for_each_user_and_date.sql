-- A visitor has one row a date.
select date, user_id, count(*) as times
from {{ ref('daily_user_activity') }}
group by date, user_id
having count(*) > 1
