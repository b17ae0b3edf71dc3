import Bowser from 'bowser';
import { isbot } from 'isbot';
import { describe, expect, it } from 'vitest';
import { backFill } from './records.ts';

interface Client {
  readonly user_agent: string;
  readonly device_type?: string;
  readonly browser?: string;
  readonly os?: string;
  readonly screen_resolution?: string;
}

const clients = new Map<string, Client & { readonly isBot: boolean }>();
for (const record of backFill(20_000, 7, { botRate: 0.2 })) {
  if (record.kind !== 'event') continue;
  const client = JSON.parse(record.bytes) as Client;
  clients.set(`${client.user_agent} ${client.screen_resolution ?? ''}`, {
    ...client,
    isBot: record.event.isBot,
  });
}

describe('user agents', () => {
  it('of people say what the other fields say, as the collector’s library reads them', () => {
    const people = [...clients.values()].filter((client) => !client.isBot);
    expect(new Set(people.map((client) => client.user_agent)).size).toBeGreaterThan(8);
    for (const { user_agent: userAgent, ...client } of people) {
      const { browser, os, platform } = Bowser.parse(userAgent);
      expect(client).toMatchObject({ browser: browser.name, os: os.name, device_type: platform.type });
      expect(isbot(userAgent)).toBe(false);
    }
  });

  it('of phones go with phone screens, upright', () => {
    for (const { device_type: type, screen_resolution: screen } of clients.values()) {
      if (type === undefined) continue;
      const [width = 0, height = 0] = (screen ?? '').split('x').map(Number);
      expect(type === 'desktop' ? width > height : width < height).toBe(true);
      if (type === 'mobile') expect(width).toBeLessThan(500);
    }
  });

  it('of bots are recognised', () => {
    const robots = [...clients.values()].filter((client) => client.isBot);
    expect(robots.length).toBeGreaterThan(4);
    for (const robot of robots) expect(isbot(robot.user_agent)).toBe(true);
  });
});
