import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countedAddress } from './counted-address.js';

describe('an address is counted', () => {
  test.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%en1', 'fe80:0:0:0::/64'],
    ['2002:c000:201:7::9', '2002:c000:201:7::/64'],
  ])('by its /64: %s', (address, counted) => {
    expect(countedAddress(address)).toBe(counted);
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7%eth0', '192.0.2.7'],
    ['64:ff9b::192.0.2.7', '192.0.2.7'],
    ['64:ff9b::1:0:0', '64:ff9b:0:0::/64'],
    ['2001:0:c000:201:8000:1:2:3', '2001:0:c000:201:8000:1:2:3'],
    ['2001::8000:1:2:3', '2001:0:0:0:8000:1:2:3'],
    ['2001:1::7', '2001:1:0:0::/64'],
  ])('whole where its /64 is of many: %s', (address, counted) => {
    expect(countedAddress(address)).toBe(counted);
  });

  test.each(['', 'unknown', '2001:db8::1::2', '::1]/', '1:2:3', '300.0.0.1', 'a%b'])(
    'by itself where it is none: %j',
    (address) => {
      expect(countedAddress(address)).toBe(address);
    },
  );

  test('as any other of the same /64, and as none of another', () => {
    const half = fc.tuple(...Array.from({ length: 4 }, () => fc.integer({ min: 0, max: 0xffff })));
    const hex = (groups: readonly number[]) => groups.map((it) => it.toString(16)).join(':');
    // Not those that are counted whole.
    const network = half.filter(
      ([first, second]) => (first ?? 0) > 0x64 && !(first === 0x2001 && second === 0),
    );
    fc.assert(
      fc.property(network, network, half, half, (one, other, a, b) => {
        const counted = countedAddress(`${hex(one)}:${hex(a)}`);
        expect(countedAddress(`${hex(one)}:${hex(b)}`)).toBe(counted);
        expect(countedAddress(`${hex(other)}:${hex(a)}`) === counted).toBe(hex(one) === hex(other));
      }),
    );
  });

  test('whatever it is and however it is written, without an error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4()), (address) => {
        const counted = countedAddress(address);
        expect(counted.endsWith('::/64') ? isIPv6(address.split('%')[0] ?? '') : true).toBe(true);
        expect(countedAddress(address.toUpperCase()).toLowerCase()).toBe(counted.toLowerCase());
      }),
    );
  });
});
