-- What the marts count on a date is what Silver holds of it.
select expected.event_date, expected.events, daily_aggregates.total_events, by_user.events as events_by_user
from (select event_date, count(*) as events from {{ ref('stg_events') }} group by event_date) as expected
left join {{ ref('daily_aggregates') }} as daily_aggregates on daily_aggregates.date = expected.event_date
left join (
  select date, sum(total_events) as events from {{ ref('daily_user_activity') }} group by date
) as by_user on by_user.date = expected.event_date
where daily_aggregates.total_events is null
  or daily_aggregates.total_events <> expected.events
  or by_user.events is null
  or by_user.events <> expected.events
