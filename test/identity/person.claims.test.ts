import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClaimNames } from '../../src/adapters/oidc/identity.settings.js';
import { accountKey } from '../../src/adapters/oidc/identity.settings.js';
import { personOf } from '../../src/adapters/oidc/person.claims.js';

const plain: ClaimNames = { user: 'sub', email: 'email', name: 'name', groups: 'groups' };
const read = (payload: Record<string, unknown>, claims: Partial<ClaimNames> = {}) =>
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
    for (const unverified of [false, 'false', 'False', '', 0, 1, null, {}]) {
      expect(person({ ...payload, email_verified: unverified })).not.toHaveProperty('email');
    }
    for (const verified of [true, 'true', undefined]) {
      expect(person({ ...payload, email_verified: verified })).toHaveProperty('email');
    }
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

describe('the human behind an account', () => {
  const claims = { human: 'employee_id' };

  it('is what the configured claim says, a number as its digits', () => {
    expect(person({ sub: 'robin', employee_id: 'e-7' }, claims).human).toBe('e-7');
    expect(person({ sub: 'robin', employee_id: 7 }, claims).human).toBe('7');
  });

  it('is not known where no claim is configured, or the token has none', () => {
    expect(person({ sub: 'robin', employee_id: 'e-7' })).not.toHaveProperty('human');
    expect(person({ sub: 'robin' }, claims)).not.toHaveProperty('human');
    expect(person({ sub: 'robin', employee_id: null }, claims)).not.toHaveProperty('human');
  });

  it.each([[''], [['e-7']], [{ id: 7 }], [true], ['e\u202e7'], ['x'.repeat(257)]])(
    'keeps them out where the claim is %j: who they are would not be known',
    (employee_id) => {
      expect(read({ sub: 'robin', employee_id }, claims)).toBeInstanceOf(Error);
    },
  );

  it('is what the list of people says, whatever the claim does', () => {
    const issuer = 'https://issuer.example';
    const humans = new Map([[accountKey({ issuer, subject: 'robin-admin' }), 'robin']]);
    const names = { ...plain, ...claims };
    const who = personOf(
      { sub: 'robin-admin', employee_id: [] },
      { issuer, claims: names },
      humans,
    );
    expect(who).toMatchObject({ person: { human: 'robin' } });
    const other = personOf(
      { sub: 'robin-admin' },
      { issuer: `${issuer}/b`, claims: names },
      humans,
    );
    expect(other).not.toHaveProperty('person.human');
  });
});

describe('facts for policy', () => {
  const facts = (payload: Record<string, unknown>, names: string[]) => {
    const who = read({ sub: 'robin', ...payload }, { facts: names });
    if (who instanceof Error) throw who;
    return who.signIn.claims;
  };

  it('are texts as they are, and numbers and truth values as JSON has them', () => {
    const payload = { department: 'payments', level: 7.5, contractor: false, org: { unit: 'x' } };
    expect(facts(payload, ['department', 'level', 'contractor', 'org.unit'])).toEqual({
      department: 'payments',
      level: '7.5',
      contractor: 'false',
      'org.unit': 'x',
    });
  });

  it('are none but those that the configuration names', () => {
    expect(facts({ department: 'payments', secret: 's' }, ['department'])).toEqual({
      department: 'payments',
    });
    expect(facts({ department: 'payments' }, [])).toBeUndefined();
  });

  it.each([[null], [''], [['a']], [{ a: 1 }], ['x'.repeat(257)], ['a\nb'], ['\ud800']])(
    'are left out where the claim is %j, and keep nobody out',
    (department) => {
      expect(facts({ department }, ['department'])).toBeUndefined();
    },
  );

  it('are 50 at most', () => {
    const names = Array.from({ length: 60 }, (_, index) => `claim-${index}`);
    const payload = Object.fromEntries(names.map((name) => [name, 'x']));
    expect(Object.keys(facts(payload, names) ?? {})).toHaveLength(50);
  });

  it('never come from what every object inherits', () => {
    expect(facts({}, ['constructor', '__proto__', 'toString.name'])).toBeUndefined();
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
