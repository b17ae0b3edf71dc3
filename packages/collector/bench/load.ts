import { once } from 'node:events';
import { connect } from 'node:net';

/** How many events each body carries, and how many different bodies there are. */
const eventsPerBody = 100;
const differentBodies = 64;

const pages = ['laptop', 'smartphone', 'headphones', 'tablet', 'smartwatch'];
const userAgents = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
];

/** Requests of 100 events of about 600 bytes each, as they go over the wire. */
export function prepareRequests(key: string): Buffer[] {
  return Array.from({ length: differentBodies }, (_, body) => {
    const events = Array.from({ length: eventsPerBody }, (_unused, index) =>
      sampleEvent(body * eventsPerBody + index),
    );
    const text = JSON.stringify(events);
    return Buffer.from(
      `POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
    );
  });
}

function sampleEvent(index: number): object {
  const product = pages[index % pages.length] ?? '';
  return {
    event_id: `0193f1c2-7a5e-7${String(index).padStart(3, '0')}-8b1f-${String(index).padStart(12, '0')}`,
    user_id: `user_${index % 997}`,
    session_id: `session_${index % 499}_${String(index).padStart(10, '0')}`,
    event_type: 'product_view',
    product_id: product,
    timestamp: new Date().toISOString(),
    page_url: `https://shop.example/products/${product}?utm_source=newsletter&position=${index}`,
    user_agent: userAgents[index % userAgents.length],
    country: 'DE',
    referrer: 'https://www.search.example/results?q=best+laptop',
    screen_resolution: '1920x1080',
    time_on_page: index % 300,
    scroll_depth: index % 100,
    click_coordinates: { x: index % 1920, y: index % 1080 },
  };
}

/** Sends for some seconds over several connections, each waiting for its answer; counts the events acknowledged. */
export async function measure(
  url: string,
  requests: readonly Buffer[],
  connections: number,
  seconds: number,
): Promise<{ readonly events: number; readonly elapsedMs: number }> {
  const started = performance.now();
  const end = started + seconds * 1_000;
  let next = 0;
  let acknowledged = 0;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1').setNoDelay();
      await once(socket, 'connect');
      const finished = Promise.withResolvers<undefined>();
      const send = (): void => {
        if (performance.now() >= end) return finished.resolve(undefined);
        socket.write(requests[next++ % requests.length] ?? '');
      };
      let received = 0;
      let expected = -1;
      socket.on('data', (chunk: Buffer) => {
        if (expected < 0) expected = answerLength(chunk);
        received += chunk.length;
        if (received < expected) return;
        received = 0;
        expected = -1;
        acknowledged += eventsPerBody;
        send();
      });
      socket.on('error', finished.reject);
      send();
      await finished.promise;
      socket.destroy();
    }),
  );
  return { events: acknowledged, elapsedMs: performance.now() - started };
}

/** Bytes of a whole answer, from its first chunk. */
function answerLength(chunk: Buffer): number {
  const headEnd = chunk.indexOf('\r\n\r\n');
  const head = chunk.toString('latin1', 0, headEnd);
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(chunk.toString());
  return headEnd + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1]);
}
