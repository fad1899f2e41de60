import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { personOf } from '../../src/adapters/oidc/person.claims.js';

const plain = { user: 'sub', email: 'email', name: 'name', groups: 'groups' };
const read = (payload: Record<string, unknown>, claims: Partial<typeof plain> = {}) =>
  personOf(payload, { issuer: 'https://issuer.example', claims: { ...plain, ...claims } });
const person = (...args: Parameters<typeof read>): Record<string, unknown> => {
  const who = read(...args);
  if (who instanceof Error) throw who;
  return { ...who.person };
};

describe('a person is read from the claims', () => {
  it('with name, e-mail, groups and how they signed in', () => {
    const payload = {
      sub: 'robin',
      name: 'Robin Requester',
      email: 'robin@example.com',
      groups: ['oncall', 'oncall', 'sre'],
      acr: 'gold',
      amr: ['pwd', 'hwk'],
      auth_time: 1_900_000_000,
    };
    expect(read(payload)).toEqual({
      person: {
        iss: 'https://issuer.example',
        sub: 'robin',
        name: 'Robin Requester',
        email: 'robin@example.com',
        groups: ['oncall', 'sre'],
      },
      signIn: { acr: 'gold', amr: ['pwd', 'hwk'], authTime: 1_900_000_000 },
    });
  });

  it('under the names that the configuration gives, also inside others', () => {
    const payload = {
      sub: 'opaque-7',
      preferred_username: 'robin',
      realm_access: { roles: ['oncall'] },
      'https://example.com/mail': 'robin@example.com',
    };
    const claims = {
      user: 'preferred_username',
      groups: 'realm_access.roles',
      email: 'https://example.com/mail',
    };
    expect(person(payload, claims)).toMatchObject({
      sub: 'robin',
      groups: ['oncall'],
      email: 'robin@example.com',
    });
  });

  it('without an e-mail that the issuer says it did not verify: on-call lists go by it', () => {
    const payload = { sub: 'mallory', email: 'robin@example.com' };
    expect(person({ ...payload, email_verified: false })).not.toHaveProperty('email');
    expect(person({ ...payload, email_verified: true })).toHaveProperty('email');
    expect(person(payload)).toHaveProperty('email');
  });

  it('never from what every object inherits', () => {
    const paths = ['constructor.name', '__proto__.x', 'toString', 'realm.length', 'groups.0'];
    for (const user of paths) {
      expect(read({ groups: ['a'], realm: 'abc' }, { user })).toBeInstanceOf(Error);
    }
  });

  it('with one group when the claim is one text, and none when there is no claim', () => {
    expect(person({ sub: 'robin', groups: 'oncall, sre' }).groups).toEqual(['oncall, sre']);
    expect(person({ sub: 'robin' }).groups).toEqual([]);
    expect(person({ sub: 'robin', groups: null }).groups).toEqual([]);
  });

  it('without a name, e-mail or sign-in that cannot be shown: they decide nothing', () => {
    const payload = {
      sub: 'robin',
      name: 'Ada\u202e',
      email: 7,
      acr: [],
      amr: 'pwd',
      auth_time: -1,
    };
    expect(read(payload)).toEqual({
      person: { iss: 'https://issuer.example', sub: 'robin', groups: [] },
      signIn: {},
    });
  });
});

describe('a person is refused', () => {
  it.each([
    ['a number', [7]],
    ['an object', { oncall: true }],
    ['a list in a list', [['oncall']]],
    ['an empty text', ['']],
    ['a line break', ['on\ncall']],
    ['a zero byte', ['on\u0000call']],
    ['a mark that turns the text around', ['on\u202ecall']],
    ['half a character', ['\ud800']],
    ['a text of 257 characters', ['x'.repeat(257)]],
    ['501 of them', Array.from({ length: 501 }, (_, index) => `group-${index}`)],
  ])('whose groups are or have %s', (_what, groups) => {
    const who = read({ sub: 'robin', groups });
    expect(who).toBeInstanceOf(Error);
    expect(who).toHaveProperty('message', expect.stringMatching(/groups/));
  });

  it.each([undefined, null, '', 7, ['robin'], 'ro\nbin', 'x'.repeat(257)])(
    'whose subject is %j',
    (sub) => {
      expect(read({ sub })).toBeInstanceOf(Error);
    },
  );

  it('never by an exception, whatever the claims are', () => {
    const claims = fc.dictionary(
      fc.constantFrom('sub', 'groups', 'name', 'email', 'amr', 'acr', 'auth_time', '__proto__'),
      fc.jsonValue(),
    );
    const path = fc.constantFrom('sub', 'groups.a.b', 'a..b', '.', '', '__proto__.sub');
    fc.assert(
      fc.property(claims, path, (payload, user) => {
        const who = read(payload, { user });
        if (!(who instanceof Error)) {
          expect(who.person.sub).toMatch(/^\P{Cc}+$/u);
          expect(who.person.groups.every((group) => typeof group === 'string')).toBe(true);
        }
      }),
    );
  });

  it('of 500 groups of 256 characters is not refused', () => {
    const groups = Array.from({ length: 500 }, (_, index) => String(index).padStart(256, 'x'));
    expect(person({ sub: 'robin', groups }).groups).toHaveLength(500);
  });
});
