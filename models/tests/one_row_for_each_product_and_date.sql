-- A product has one row a date.
select date, product_id, count(*) as times
from {{ ref('product_performance') }}
group by date, product_id
having count(*) > 1
