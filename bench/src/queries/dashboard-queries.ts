/**
 * Ten questions as dashboards ask them, in the words of either side. `silver` is a table for us, and stands for
 * the same Parquet files for ClickHouse.
 */
export interface DashboardQuery {
  readonly name: string;
  readonly sql: string;
  /** Where ClickHouse needs other words. */
  readonly clickhouse?: string;
}

const purchases = `count(*) FILTER (WHERE event_type = 'purchase')`;

export const dashboardQueries: readonly DashboardQuery[] = [
  {
    name: 'events a day',
    sql: `SELECT event_date, count(*) AS events FROM silver GROUP BY event_date ORDER BY event_date`,
  },
  {
    name: 'events an hour on the last full day',
    sql: `SELECT date_trunc('hour', "timestamp") AS hour, count(*) AS events FROM silver
      WHERE event_date = DATE '2026-09-30' GROUP BY hour ORDER BY hour`,
    clickhouse: `SELECT toStartOfHour("timestamp") AS hour, count(*) AS events FROM silver
      WHERE event_date = '2026-09-30' GROUP BY hour ORDER BY hour`,
  },
  {
    name: 'visitors a day',
    sql: `SELECT event_date, count(DISTINCT user_id) AS visitors FROM silver GROUP BY event_date ORDER BY event_date`,
    clickhouse: `SELECT event_date, uniqExact(user_id) AS visitors FROM silver GROUP BY event_date ORDER BY event_date`,
  },
  {
    name: 'top pages',
    sql: `SELECT page_url, count(*) AS views FROM silver WHERE event_type = 'page_view'
      GROUP BY page_url ORDER BY views DESC, page_url LIMIT 10`,
  },
  {
    name: 'countries',
    sql: `SELECT country, count(*) AS events FROM silver GROUP BY country ORDER BY events DESC, country LIMIT 10`,
  },
  {
    name: 'devices and browsers',
    sql: `SELECT device_type, browser, count(*) AS events FROM silver
      GROUP BY device_type, browser ORDER BY events DESC, device_type, browser LIMIT 10`,
  },
  {
    name: 'products from view to purchase',
    sql: `SELECT product_id, count(*) FILTER (WHERE event_type = 'product_view') AS views,
        count(*) FILTER (WHERE event_type = 'add_to_cart') AS carts, ${purchases} AS purchases
      FROM silver WHERE product_id IS NOT NULL GROUP BY product_id ORDER BY views DESC, product_id LIMIT 10`,
  },
  {
    name: 'referrers',
    sql: `SELECT split_part(referrer, '/', 3) AS site, count(*) AS events FROM silver
      WHERE referrer IS NOT NULL GROUP BY site ORDER BY events DESC, site LIMIT 10`,
    clickhouse: `SELECT splitByChar('/', assumeNotNull(referrer))[3] AS site, count(*) AS events FROM silver
      WHERE referrer IS NOT NULL GROUP BY site ORDER BY events DESC, site LIMIT 10`,
  },
  {
    name: 'buyers by country',
    sql: `SELECT country, count(DISTINCT user_id) AS buyers FROM silver WHERE event_type = 'purchase'
      GROUP BY country ORDER BY buyers DESC, country LIMIT 10`,
    clickhouse: `SELECT country, uniqExact(user_id) AS buyers FROM silver WHERE event_type = 'purchase'
      GROUP BY country ORDER BY buyers DESC, country LIMIT 10`,
  },
  {
    name: 'time on page by type',
    sql: `SELECT event_type, count(time_on_page) AS timed, CAST(sum(time_on_page) AS BIGINT) AS seconds FROM silver
      GROUP BY event_type ORDER BY event_type`,
    clickhouse: `SELECT event_type, count(time_on_page) AS timed, sum(time_on_page) AS seconds FROM silver
      GROUP BY event_type ORDER BY event_type`,
  },
];
