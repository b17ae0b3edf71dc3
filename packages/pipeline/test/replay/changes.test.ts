import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { mendByChanges, parseChange, parseChanges, type DeadLetterRow } from '@clicklake/pipeline';

function letter(raw: string, rawEncoding: 'utf8' | 'base64' = 'utf8'): DeadLetterRow {
  const place = { topic: 'clickstream-errors', partition: 0, offset: 0 };
  const none = {
    field: null,
    message: null,
    event_id: null,
    source_id: null,
    replay_of: null,
    replayed: null,
  };
  return {
    ...place,
    ...none,
    received_at: '2026-01-01T00:00:00.000Z',
    reason: 'wrong_type',
    raw,
    rawEncoding,
  };
}

function mended(event: unknown, ...changes: string[]): unknown {
  const result = mendByChanges(letter(JSON.stringify(event)), parseChanges(changes));
  if ('unmendable' in result) return result.unmendable;
  return JSON.parse(result.event);
}

describe('the language of changes (S8)', () => {
  test.each<[string, object, string, object]>([
    ['a number', {}, 'set a=12', { a: 12 }],
    ['a fraction', {}, 'set a=-1.5e3', { a: -1500 }],
    ['text', {}, 'set a=page_view', { a: 'page_view' }],
    ['text with spaces and =', {}, 'set a=b = c', { a: 'b = c' }],
    ['nothing', {}, 'set a=', { a: '' }],
    ['text that looks like a number', {}, 'set a="12"', { a: '12' }],
    ['text that begins with a digit', {}, 'set a=2026-01-31', { a: '2026-01-31' }],
    ['true', {}, 'set a=true', { a: true }],
    ['null', {}, 'set a=null', { a: null }],
    ['an object', {}, 'set a={"x":1,"y":[2]}', { a: { x: 1, y: [2] } }],
    ['within an object', { a: { y: 2 } }, 'set a.x=1', { a: { y: 2, x: 1 } }],
    ['within one that is not there', {}, 'set a.b.c=1', { a: { b: { c: 1 } } }],
    ['a name with a dot', {}, String.raw`set a\.b=1`, { 'a.b': 1 }],
    ['a name with =', {}, String.raw`set a\=b=1`, { 'a=b': 1 }],
    ['another field', { b: { c: [1] } }, 'set a=@b.c', { a: [1], b: { c: [1] } }],
    ['another field that is not there', { a: 1 }, 'set a=@b', { a: 1 }],
    ['unset', { a: 1, b: 2 }, 'unset a', { b: 2 }],
    ['unset within', { a: { x: 1, y: 2 } }, 'unset a.x', { a: { y: 2 } }],
    ['unset what is not there', { a: 1 }, 'unset b.c', { a: 1 }],
    ['rename', { a: 1, b: 2 }, 'rename a=c', { b: 2, c: 1 }],
    ['rename onto another', { a: 1, b: 2 }, 'rename a=b', { b: 1 }],
    ['rename what is not there', { b: 2 }, 'rename a=b', { b: 2 }],
    ['cast to an integer', { a: ' 12 ' }, 'cast a=integer', { a: 12 }],
    ['cast rounds', { a: '12.6' }, 'cast a=integer', { a: 13 }],
    ['cast leaves what is no number', { a: '12 km' }, 'cast a=integer', { a: '12 km' }],
    ['cast leaves what is too large', { a: '9007199254740993' }, 'cast a=integer', { a: '9007199254740993' }],
    ['cast to a number', { a: '1.5' }, 'cast a=number', { a: 1.5 }],
    ['cast to text', { a: 12 }, 'cast a=text', { a: '12' }],
    ['cast to a boolean', { a: 'True', b: 0 }, 'cast a=boolean', { a: true, b: 0 }],
    ['cast of seconds to a time', { a: 1767225600 }, 'cast a=time', { a: '2026-01-01T00:00:00.000Z' }],
    [
      'cast of milliseconds to a time',
      { a: '1767225600000' },
      'cast a=time',
      { a: '2026-01-01T00:00:00.000Z' },
    ],
    ['cast of what is not there', { b: 1 }, 'cast a=time', { b: 1 }],
    ['a name of the prototype', {}, 'set constructor=1', { constructor: 1 }],
    ['what the prototype has is not there', {}, 'set a=@toString', {}],
  ])('%s', (_name, event, change, expected) => {
    expect(mended(event, change)).toEqual(expected);
  });

  it('makes several changes one after another', () => {
    expect(mended({ a: '1' }, 'rename a=b', 'cast b=integer', 'set c=@b', 'unset b')).toEqual({ c: 1 });
  });

  it('keeps the digits of numbers beyond 2^53, and a member called __proto__ one of the event', () => {
    const raw = '{"big":12345678901234567890,"__proto__":{"polluted":1}}';
    const changes = parseChanges(['set __proto__.more=2', 'set x=1', 'set huge=98765432109876543210']);
    expect(mendByChanges(letter(raw), changes)).toEqual({
      event:
        '{"big":12345678901234567890,"__proto__":{"polluted":1,"more":2},"x":1,"huge":98765432109876543210}',
    });
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  test.each([
    'set',
    'set a',
    '',
    'set =1',
    'set a..b=1',
    'unset',
    'unsetX',
    'unset a=1',
    'rename a',
    'rename a=',
    'cast a=colour',
    'drop a',
    'set a={',
    'set a=[1',
    'set a="b',
    `set ${'a.'.repeat(20)}b=1`,
    `set a=${'x'.repeat(9_000)}`,
  ])('refuses %j', (text) => {
    expect(() => parseChange(text)).toThrow(
      expect.objectContaining({ code: 'replay-change-invalid' }) as Error,
    );
  });

  it('says why an event cannot be changed so', () => {
    expect(mended({ a: 'text' }, 'set a.b=1')).toContain('"a" is no object');
    expect(mended([1], 'set a=1')).toContain('no object');
    const changes = parseChanges(['set a=1']);
    expect(mendByChanges(letter('{"a":'), changes)).toHaveProperty('unmendable');
    expect(mendByChanges(letter('//79', 'base64'), changes)).toHaveProperty('unmendable');
    const deep = `{"a":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(mendByChanges(letter(deep), parseChanges(['set b=1']))).toHaveProperty('unmendable');
  });

  it('takes any text as a change, or refuses it as one; what it makes of any event is JSON', () => {
    const name = fc.string({ unit: 'binary', maxLength: 6 });
    const change = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .tuple(fc.constantFrom('set', 'rename', 'cast', 'unset'), name, name)
        .map(([op, a, b]) => `${op} ${a}=${b}`),
      fc.tuple(name, fc.json()).map(([a, value]) => `set ${a}=${value}`),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), fc.json(), (texts, raw) => {
        const changes = texts.flatMap((text) => {
          try {
            return [parseChange(text)];
          } catch (error) {
            expect(error).toMatchObject({ code: 'replay-change-invalid' });
            return [];
          }
        });
        const result = mendByChanges(letter(raw), changes);
        if ('event' in result) expect(() => JSON.parse(result.event) as unknown).not.toThrow();
      }),
    );
  });
});
