/**
 * Gold computed another way: over objects, one after another, from what was sent (S7). No SQL, and nothing of the
 * pipeline's; each rate and mean is one division of two exact integers (S2.2), so that rows are equal or wrong.
 */

/** A valid event as a client sent it, by what Gold depends on. */
export interface SentEvent {
  readonly id: string;
  /** Either may be missing, not both (S2.1). */
  readonly userId: string | null;
  readonly anonymousId: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: EventType;
  readonly product: string | null;
  readonly seconds: number | null;
  readonly isBot: boolean;
  readonly clientSession: string | null;
  readonly page: string | null;
  readonly referrer: string | null;
  readonly country: string | null;
  readonly device: string | null;
}

export type EventType = 'page_view' | 'product_view' | 'add_to_cart' | 'checkout' | 'purchase' | 'custom';

/** By the names of the columns: dates as text, instants in milliseconds since the epoch. */
export type GoldRow = Readonly<Record<string, string | number | null>>;

export const goldTables = [
  'user_session_metrics',
  'daily_user_activity',
  'product_performance',
  'product_conversion_rates',
  'daily_aggregates',
] as const;

/** Every row of every table, in the order of `inOrder`. */
export type GoldRows = Readonly<Record<(typeof goldTables)[number], readonly GoldRow[]>>;

/** An event with Gold's user_id (S7.1). */
interface Visit extends SentEvent {
  readonly visitor: string;
  readonly date: string;
}

const minute = 60_000;
const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** What Gold has to hold when Silver holds these events, each once. */
export function expectedGold(sent: readonly SentEvent[], { includeBots = false } = {}): GoldRows {
  const visits = sent.filter(({ isBot }) => includeBots || !isBot).map(visitOf);
  const sessions = sessionsOf(visits);
  const activity = [...groupBy(visits, ({ date, visitor }) => [date, visitor])].map((own) =>
    activityRow(own, sessions),
  );
  const products = [
    ...groupBy(
      visits.filter(({ product }) => product !== null),
      ({ date, product }) => [date, product],
    ),
  ].map(productRow);
  return {
    user_session_metrics: inOrder(sessions.map(sessionRow)),
    daily_user_activity: inOrder(activity),
    product_performance: inOrder(products),
    product_conversion_rates: inOrder(products.map(ratesRow)),
    daily_aggregates: inOrder([...groupBy(visits, ({ date }) => [date])].map((own) => dayRow(own, sessions))),
  };
}

/** Rows mean the same in any order: this one makes equal sets of them equal lists. */
export function inOrder(rows: readonly GoldRow[]): readonly GoldRow[] {
  return rows
    .map((row) => [JSON.stringify(Object.entries(row).sort()), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, row]) => row);
}

function visitOf(event: SentEvent): Visit {
  const visitor = event.userId ?? event.anonymousId;
  if (visitor === null) throw new TypeError(`${event.id} has no visitor: no contract takes it`);
  return { ...event, visitor, date: dateOf(event.at) };
}

/** S7.2, word for word. */
function sessionsOf(visits: readonly Visit[]): readonly (readonly Visit[])[] {
  const sessions: Visit[][] = [];
  const open = new Map<string, Visit[]>();
  for (const visit of visits.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))) {
    const current = open.get(visit.visitor);
    const [first, last] = [current?.[0], current?.at(-1)];
    const goesOn =
      first !== undefined &&
      last !== undefined &&
      visit.at - last.at <= 30 * minute &&
      visit.at - first.at < 24 * 60 * minute;
    if (goesOn) current?.push(visit);
    else {
      const session = [visit];
      sessions.push(session);
      open.set(visit.visitor, session);
    }
  }
  return sessions;
}

function sessionRow(own: readonly Visit[]): GoldRow {
  const [first, last] = [own[0], own.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('a session without an event');
  return {
    session_date: first.date,
    user_id: first.visitor,
    session_id: first.id,
    started_at: first.at,
    ended_at: last.at,
    end_date: last.date,
    duration_ms: last.at - first.at,
    ...countsOf(own),
    client_session_id: first.clientSession,
    landing_page: first.page,
    exit_page: last.page,
    referrer: first.referrer,
    country: first.country,
    device_type: first.device,
  };
}

function countsOf(own: readonly Visit[]): GoldRow {
  return {
    total_events: own.length,
    page_views: ofType(own, 'page_view'),
    product_views: ofType(own, 'product_view'),
    products_viewed: productsViewed(own),
    add_to_carts: ofType(own, 'add_to_cart'),
    checkouts: ofType(own, 'checkout'),
    purchases: ofType(own, 'purchase'),
    custom_events: ofType(own, 'custom'),
  };
}

function activityRow(own: readonly Visit[], sessions: readonly (readonly Visit[])[]): GoldRow {
  const [{ date, visitor } = { date: '', visitor: '' }] = own;
  return {
    date,
    user_id: visitor,
    sessions: activeOn(date, sessions, visitor),
    ...countsOf(own),
    ...timeOnPage(own),
  };
}

function productRow(own: readonly Visit[]): GoldRow {
  const [{ date, product } = { date: '', product: '' }] = own;
  const [views, purchases] = [ofType(own, 'product_view'), ofType(own, 'purchase')];
  return {
    date,
    product_id: product,
    total_views: views,
    unique_users: visitorsOf(own).size,
    add_to_carts: ofType(own, 'add_to_cart'),
    checkouts: ofType(own, 'checkout'),
    purchases,
    ...timeOnPage(own),
    conversion_rate: ratio(purchases, views),
  };
}

function ratesRow({ date = null, product_id = null, ...counted }: GoldRow): GoldRow {
  const [views, carts, checkouts, purchases] = [
    Number(counted.total_views),
    Number(counted.add_to_carts),
    Number(counted.checkouts),
    Number(counted.purchases),
  ];
  return {
    date,
    product_id,
    product_views: views,
    add_to_carts: carts,
    checkouts,
    purchases,
    view_to_cart_rate: ratio(carts, views),
    cart_to_checkout_rate: ratio(checkouts, carts),
    checkout_to_purchase_rate: ratio(purchases, checkouts),
    view_to_purchase_rate: ratio(purchases, views),
  };
}

function dayRow(own: readonly Visit[], sessions: readonly (readonly Visit[])[]): GoldRow {
  const [{ date } = { date: '' }] = own;
  const { avg_time_on_page } = timeOnPage(own);
  const [views, purchases] = [ofType(own, 'product_view'), ofType(own, 'purchase')];
  return {
    date,
    total_events: own.length,
    users: visitorsOf(own).size,
    buyers: visitorsOf(own.filter(({ type }) => type === 'purchase')).size,
    active_sessions: activeOn(date, sessions),
    page_views: ofType(own, 'page_view'),
    product_views: views,
    add_to_carts: ofType(own, 'add_to_cart'),
    checkouts: ofType(own, 'checkout'),
    purchases,
    custom_events: ofType(own, 'custom'),
    conversion_rate: ratio(purchases, views),
    avg_time_on_page,
  };
}

/** Sessions with an event on the date, of one visitor or of all. */
function activeOn(date: string, sessions: readonly (readonly Visit[])[], visitor?: string): number {
  return sessions.filter(
    (own) =>
      (visitor === undefined || own[0]?.visitor === visitor) && own.some((visit) => visit.date === date),
  ).length;
}

function timeOnPage(own: readonly Visit[]) {
  const timed = own.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
  const sum = timed.reduce((total, seconds) => total + seconds, 0);
  return {
    seconds_on_page: timed.length === 0 ? null : sum,
    timed_events: timed.length,
    avg_time_on_page: ratio(sum, timed.length),
  };
}

function productsViewed(own: readonly Visit[]): number {
  return new Set(
    own.flatMap(({ type, product }) => (type === 'product_view' && product !== null ? [product] : [])),
  ).size;
}

function ofType(own: readonly Visit[], type: EventType): number {
  return own.filter((visit) => visit.type === type).length;
}

function visitorsOf(own: readonly Visit[]): ReadonlySet<string> {
  return new Set(own.map(({ visitor }) => visitor));
}

function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

function groupBy(
  visits: readonly Visit[],
  key: (visit: Visit) => readonly unknown[],
): Iterable<readonly Visit[]> {
  const groups = new Map<string, Visit[]>();
  for (const visit of visits) {
    const name = JSON.stringify(key(visit));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [visit]);
    else group.push(visit);
  }
  return groups.values();
}
