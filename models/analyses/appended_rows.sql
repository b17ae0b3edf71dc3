{#- How many rows `changed_offsets` name: the runner trusts them only when so many were appended. -#}
select count(*) as appended
from {{ source('clickstream', 'silver') }}
where {{ is_appended() }}
