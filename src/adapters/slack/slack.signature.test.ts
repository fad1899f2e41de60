import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { Secret } from '../../config/secret.js';
import { SlackSignature } from './slack.signature.js';

const NOW = new Date('2026-03-04T10:00:00Z');
const AT = NOW.getTime() / 1000;
const SECRET = 'signing-secret-of-the-lab';

function signed(body: string, args: { at?: number; secret?: string } = {}) {
  const timestamp = String(args.at ?? AT);
  const hmac = createHmac('sha256', args.secret ?? SECRET).update(`v0:${timestamp}:${body}`);
  return { timestamp, signature: `v0=${hmac.digest('hex')}`, body: Buffer.from(body) };
}

const fresh = () => new SlackSignature(new Secret(SECRET));

test("the example of Slack's documents is believed", () => {
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
  const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';
  const request = { timestamp: '1531420618', signature, body: Buffer.from(body) };
  const slack = new SlackSignature(new Secret('8f742231b10e8888abcd99yyyzzz85a5'));
  expect(slack.fault(request, new Date(1_531_420_618_000))).toBeUndefined();
});

test('a request is believed for five minutes, either way', () => {
  for (const off of [-300, 0, 300])
    expect(fresh().fault(signed('a', { at: AT + off }), NOW)).toBeUndefined();
  expect(fresh().fault(signed('a', { at: AT - 301 }), NOW)).toBe('it is too old');
  expect(fresh().fault(signed('a', { at: AT + 301 }), NOW)).toBe('it is from the future');
});

test('a request that was altered, or signed by another, is not believed', () => {
  const { body: _, ...rest } = signed('text=approve');
  expect(fresh().fault({ ...rest, body: Buffer.from('text=deny') }, NOW)).toBe(
    'its signature is wrong',
  );
  expect(fresh().fault(signed('a', { secret: 'another' }), NOW)).toBe('its signature is wrong');
  expect(fresh().fault({ ...signed('a'), timestamp: String(AT + 1) }, NOW)).toBe(
    'its signature is wrong',
  );
});

test('a request without what makes it one is not believed', () => {
  const one = signed('a');
  expect(fresh().fault({ ...one, timestamp: undefined }, NOW)).toBe('it has no time');
  expect(fresh().fault({ ...one, timestamp: 'soon' }, NOW)).toBe('it has no time');
  expect(fresh().fault({ ...one, signature: undefined }, NOW)).toBe('it has no signature');
  expect(fresh().fault({ ...one, signature: 'v0=' }, NOW)).toBe('it has no signature');
});

test('a request that is replayed is not believed the second time', () => {
  const slack = fresh();
  expect(slack.fault(signed('a'), NOW)).toBeUndefined();
  expect(slack.fault(signed('a'), NOW)).toBe('it came before');
  expect(slack.fault(signed('b'), NOW)).toBeUndefined();
});

test('an empty secret is none: anybody could sign with it', () => {
  expect(() => new SlackSignature(new Secret(' '))).toThrow('empty');
});
