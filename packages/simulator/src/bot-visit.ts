import { botByShare } from './bots.ts';
import { catalogue } from './catalogue.ts';
import { drawPageUrl, productUrl } from './landing.ts';
import type { Random } from './random.ts';
import { drawIpAddress } from './shopper.ts';
import { writeEvent } from './simulated-event.ts';
import type { Visit, VisitEvent } from './visit.ts';

const medianPages = 25;
const mostPages = 200;
/** Crawlers fetch mostly what the site map lists: products. */
const productShare = 0.7;

/** A crawl: page after page at an even pace, the catalogue in order, no clicks, no scrolling, no account. */
export function startBotVisit(options: {
  readonly random: Random;
  /** ms since the epoch. */
  readonly startAt: number;
}): Visit {
  const { random } = options;
  const bot = botByShare(random);
  const anonymousId = `a_${random.hex64()}`;
  const sessionId = `s_${random.hex64()}`;
  const ipAddress = drawIpAddress(random);
  const deviceFields = `"user_agent":${JSON.stringify(bot.userAgent)}`;
  let dueAt = options.startAt;
  let pagesLeft = Math.min(mostPages, Math.ceil(random.logNormal(medianPages, 0.6)));
  let shelf = random.integer(catalogue.length);

  const next = (sentAt: number | null): VisitEvent => {
    const product = random.chance(productShare) ? (catalogue[shelf % catalogue.length] ?? null) : null;
    if (product !== null) shelf += 1;
    const event = writeEvent(
      {
        eventId: random.uuid(),
        eventType: product === null ? 'page_view' : 'product_view',
        eventName: null,
        userId: null,
        anonymousId,
        sessionId,
        productId: product?.id ?? null,
        timestamp: dueAt,
        timeOnPage: 0,
        isBot: true,
        lateBy: 0,
      },
      {
        pageUrl: product === null ? drawPageUrl(random) : productUrl(product),
        referrer: null,
        ipAddress,
        country: bot.country,
        deviceFields,
        scrollDepth: 0,
        click: null,
        properties: null,
        extraFields: '',
        sentAt,
      },
    );
    pagesLeft -= 1;
    dueAt += Math.round(bot.pauseMs * random.between(0.7, 1.3));
    return { event, nextDueAt: pagesLeft > 0 ? dueAt : null };
  };

  return { isBot: true, lateBy: 0, next };
}
