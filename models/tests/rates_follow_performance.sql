-- product_conversion_rates has the rows of product_performance, each once, and counts the same.
select
  coalesce(performance.date, rates.date) as date,
  coalesce(performance.product_id, rates.product_id) as product_id,
  performance.total_views,
  rates.product_views
from {{ ref('product_performance') }} as performance
full outer join (
  select date, product_id, sum(product_views) as product_views, sum(purchases) as purchases, count(*) as times
  from {{ ref('product_conversion_rates') }}
  group by date, product_id
) as rates
  on rates.date = performance.date and rates.product_id = performance.product_id
where rates.times is null
  or rates.times <> 1
  or performance.date is null
  or rates.product_views <> performance.total_views
  or rates.purchases <> performance.purchases
