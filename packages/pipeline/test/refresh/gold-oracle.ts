/** Gold computed another way: over objects, one after another, from what was sent (S7). */

export interface Visit {
  readonly id: string;
  readonly user: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly type: 'page_view' | 'product_view' | 'add_to_cart' | 'checkout' | 'purchase';
  readonly product: string | null;
  readonly seconds: number | null;
  /** Sent with `anonymous_id` alone; or with another beside the `user_id`, which then counts (S7.1). */
  readonly anonymous?: 'alone' | 'beside';
  /** A known bot: Gold leaves it out (S7.1). */
  readonly bot?: boolean;
}

export interface GoldRows {
  readonly sessions: readonly string[];
  readonly activity: readonly string[];
  readonly products: readonly string[];
  readonly days: readonly string[];
}

const minute = 60_000;
const dateOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

interface Session {
  readonly user: string;
  readonly visits: Visit[];
}

/** S7.2, word for word. */
function sessionsOf(visits: readonly Visit[]): Session[] {
  const sessions: Session[] = [];
  const inOrder = visits.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  const open = new Map<string, Session>();
  for (const visit of inOrder) {
    const current = open.get(visit.user);
    const startedAt = current?.visits[0]?.at ?? 0;
    const lastAt = current?.visits.at(-1)?.at ?? 0;
    const isNew =
      current === undefined || visit.at - lastAt > 30 * minute || visit.at - startedAt >= 24 * 60 * minute;
    if (isNew) {
      const session = { user: visit.user, visits: [visit] };
      sessions.push(session);
      open.set(visit.user, session);
    } else current.visits.push(visit);
  }
  return sessions;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

const ofType = (visits: readonly Visit[], type: Visit['type']): number =>
  visits.filter((visit) => visit.type === type).length;
const ratio = (numerator: number, denominator: number): number | null =>
  denominator === 0 ? null : numerator / denominator;

function meanSeconds(visits: readonly Visit[]): number | null {
  const timed = visits.flatMap(({ seconds }) => (seconds === null ? [] : [seconds]));
  return ratio(
    timed.reduce((sum, seconds) => sum + seconds, 0),
    timed.length,
  );
}

export function expectedGold(all: readonly Visit[]): GoldRows {
  const visits = all.filter(({ bot }) => bot !== true);
  const sessions = sessionsOf(visits);
  const activeOn = (user: string, date: string): number =>
    sessions.filter(
      (session) => session.user === user && session.visits.some(({ at }) => dateOf(at) === date),
    ).length;
  const byDay = groupBy(visits, ({ at }) => dateOf(at));
  return {
    sessions: sessions
      .map(({ user, visits: own }) => {
        const [first, last] = [own[0]?.at ?? 0, own.at(-1)?.at ?? 0];
        return row(dateOf(first), user, own[0]?.id, first, last, own.length, ofType(own, 'purchase'));
      })
      .sort(),
    activity: [...groupBy(visits, ({ at, user }) => `${dateOf(at)} ${user}`)]
      .map(([key, own]) => {
        const [date = '', user = ''] = key.split(' ');
        const viewed = own.filter(({ type, product }) => type === 'product_view' && product !== null);
        return row(
          date,
          user,
          own.length,
          activeOn(user, date),
          new Set(viewed.map(({ product }) => product)).size,
          ofType(own, 'purchase'),
          meanSeconds(own),
        );
      })
      .sort(),
    products: [
      ...groupBy(
        visits.filter(({ product }) => product !== null),
        ({ at, product }) => `${dateOf(at)} ${product ?? ''}`,
      ),
    ]
      .map(([key, own]) => {
        const [date = '', product = ''] = key.split(' ');
        return row(
          date,
          product,
          ofType(own, 'product_view'),
          new Set(own.map(({ user }) => user)).size,
          ofType(own, 'add_to_cart'),
          ofType(own, 'purchase'),
          ratio(ofType(own, 'purchase'), ofType(own, 'product_view')),
        );
      })
      .sort(),
    days: [...byDay]
      .map(([date, own]) => {
        const users = new Set(own.map(({ user }) => user));
        const active = [...users].reduce((sum, user) => sum + activeOn(user, date), 0);
        return row(date, own.length, users.size, active, ofType(own, 'purchase'));
      })
      .sort(),
  };
}

function row(...values: readonly unknown[]): string {
  return JSON.stringify(values);
}

/** The same rows, asked of the tables. */
export const goldQueries: Readonly<Record<keyof GoldRows, string>> = {
  sessions: `SELECT session_date::VARCHAR, user_id, session_id, epoch_ms(started_at), epoch_ms(ended_at), total_events, purchases FROM user_session_metrics`,
  activity: `SELECT date::VARCHAR, user_id, total_events, sessions, products_viewed, purchases, avg_time_on_page FROM daily_user_activity`,
  products: `SELECT date::VARCHAR, product_id, total_views, unique_users, add_to_carts, purchases, conversion_rate FROM product_performance`,
  days: `SELECT date::VARCHAR, total_events, users, active_sessions, purchases FROM daily_aggregates`,
};
