import { weightedPick, type NonEmpty } from './random.ts';

export interface Bot {
  readonly name: string;
  readonly userAgent: string;
  /** ISO 3166-1 alpha-2 of the data centre. */
  readonly country: string;
  /** Median pause between two pages, ms. */
  readonly pauseMs: number;
  readonly weight: number;
}

/** Crawlers say who they are; scripts at least don't hide it. The collector marks them by user agent. */
export const bots: NonEmpty<Bot> = [
  {
    name: 'googlebot',
    userAgent: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    country: 'US',
    pauseMs: 9000,
    weight: 40,
  },
  {
    name: 'bingbot',
    userAgent: 'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
    country: 'US',
    pauseMs: 11_000,
    weight: 18,
  },
  {
    name: 'ahrefsbot',
    userAgent: 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
    country: 'FR',
    pauseMs: 4000,
    weight: 14,
  },
  {
    name: 'gptbot',
    userAgent:
      'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)',
    country: 'US',
    pauseMs: 3000,
    weight: 14,
  },
  {
    name: 'python-requests',
    userAgent: 'python-requests/2.32.3',
    country: 'DE',
    pauseMs: 800,
    weight: 8,
  },
  {
    name: 'headless-chrome',
    userAgent:
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36',
    country: 'NL',
    pauseMs: 1500,
    weight: 6,
  },
];

export const botByShare = weightedPick(bots);
