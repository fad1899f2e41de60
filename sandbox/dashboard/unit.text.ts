type Units = readonly (readonly [size: number, unit: string])[];

const SHORT: Units = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
  [1, ''],
];
const BYTES: Units = [
  [1024 ** 3, ' GiB'],
  [1024 ** 2, ' MiB'],
  [1024, ' KiB'],
  [1, ' B'],
];
const SECONDS: Units = [
  [86_400, ' d'],
  [3_600, ' h'],
  [60, ' min'],
  [1, ' s'],
  [1e-3, ' ms'],
  [1e-6, ' µs'],
];
const PERCENT: Units = [[0.01, ' %']];

const UNITS: Readonly<Record<string, { units: Units; zero: string; after?: string }>> = {
  short: { units: SHORT, zero: '0' },
  s: { units: SECONDS, zero: '0 s' },
  bytes: { units: BYTES, zero: '0 B' },
  Bps: { units: BYTES, zero: '0 B', after: '/s' },
  ops: { units: SHORT, zero: '0', after: ' /s' },
  reqps: { units: SHORT, zero: '0', after: ' req/s' },
  percentunit: { units: PERCENT, zero: '0 %' },
};

/** A number in a unit of Grafana, as people read it. Throws for a unit that no panel had when this was written. */
export function textOf(value: number, unit: string, decimals?: number): string {
  const row = UNITS[unit];
  if (!row) throw new Error(`the unit ${unit} is not known here: add it to unit.text.ts`);
  const { units, zero, after = '' } = row;
  if (value === 0) return `${zero}${after}`;
  const [size, name] = units.find(([from]) => Math.abs(value) >= from) ?? units.at(-1) ?? [1, ''];
  const scaled = value / size;
  return `${decimals === undefined ? rounded(scaled) : scaled.toFixed(decimals)}${name}${after}`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)));
}
