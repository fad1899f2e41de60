/** The first two groups of addresses whose first half tells a relay and not who is behind it (RFC 4380 §4). */
const TEREDO = '2001:0';
/** IPv4 as IPv6 writes it where it has to: as a socket for both has it (RFC 4291 §2.5.5.2), and translated (RFC 6052 §2.1). */
const WITH_IPV4: readonly string[] = ['0:0:0:0:0:ffff', '64:ff9b:0:0:0:0'];

/**
 * By what an address is counted where so much is let through from each: an IPv6 address by the /64 that it is in, since whoever
 * has one has all of it; IPv4 as it is, also within an IPv6 address, and addresses by Teredo. Whatever the spelling, and
 * without the zone: it is of this machine, and nothing of the other. What is no address is counted by itself.
 */
export function countedAddress(address: string): string {
  const [text = ''] = address.split('%', 1);
  const groups = groupsOf(text);
  if (groups === undefined) return address;
  const begins = (count: number) => groups.slice(0, count).join(':');
  if (WITH_IPV4.includes(begins(6))) return dotted(groups.slice(6));
  return begins(2) === TEREDO ? begins(8) : `${begins(4)}::/64`;
}

/** The eight groups of an IPv6 address, hexadecimal without zeros before them; undefined for what is none. */
function groupsOf(text: string): readonly string[] | undefined {
  const url = `http://[${text}]`;
  if (!/^[0-9a-f:.]+$/i.test(text) || !URL.canParse(url)) return undefined;
  const [before = '', after] = new URL(url).hostname.slice(1, -1).split('::');
  const [head, tail] = [before, after ?? ''].map((it) => (it === '' ? [] : it.split(':')));
  if (head === undefined || tail === undefined) return undefined;
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
}

function dotted(groups: readonly string[]): string {
  const bytes = groups.flatMap((it) => {
    const value = Number.parseInt(it, 16);
    return [value >> 8, value & 0xff];
  });
  return bytes.join('.');
}
