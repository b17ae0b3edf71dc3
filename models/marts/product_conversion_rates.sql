{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='date') }}

select
  date,
  product_id,
  total_views as product_views,
  add_to_carts,
  checkouts,
  purchases,
  {{ ratio('add_to_carts', 'total_views') }} as view_to_cart_rate,
  {{ ratio('checkouts', 'add_to_carts') }} as cart_to_checkout_rate,
  {{ ratio('purchases', 'checkouts') }} as checkout_to_purchase_rate,
  {{ ratio('purchases', 'total_views') }} as view_to_purchase_rate
from {{ ref('product_performance') }}
{%- if is_incremental() %}
where {{ on_touched_dates('date') }}
{%- endif %}
