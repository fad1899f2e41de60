import { RECORDING_ID } from '../recording/recording.js';

/** The files of an archive of evidence that are there once. */
export const ARCHIVE_FILES = {
  readme: 'README.txt',
  page: 'page.html',
  session: 'session.json',
  containers: 'containers.json',
  keys: 'keys.txt',
  checkpoint: 'checkpoint',
  sums: 'SHA256SUMS',
} as const;

/** What an archive may hold: who makes one keeps to it, and who reads one reads no more. */
export const ARCHIVE_BOUNDS = {
  entries: 250_000,
  /** Of one file that is read whole: everything but what was shown. */
  fileBytes: 64 * 1024 * 1024,
  /** Of all those together. */
  filesBytes: 256 * 1024 * 1024,
  /** Of a chunk of a recording, as it is stored. */
  chunkBytes: 16 * 1024 * 1024,
  /** Of all that is in it, unpacked. */
  bytes: 16 * 1024 * 1024 * 1024,
  nameCharacters: 200,
} as const;

/** What a file of an archive is, by its name. */
export type ArchiveName =
  | { readonly kind: keyof typeof ARCHIVE_FILES }
  | { readonly kind: 'event' | 'proof' | 'dropped'; readonly index: number }
  | { readonly kind: 'policy'; readonly hash: string }
  | { readonly kind: 'header' | 'cast'; readonly recording: string }
  | { readonly kind: 'chunk'; readonly recording: string; readonly seq: number };

export const eventFile = (index: number): string => `events/${digits(index, 15)}.json`;
export const proofFile = (index: number): string => `events/${digits(index, 15)}.tlog-proof`;
/** In the place of an event whose body was dropped at the end of its time: the hash that is in the tree. */
export const droppedFile = (index: number): string => `events/${digits(index, 15)}.dropped`;
export const policyFile = (hash: string): string => `policies/${hash}.json`;
export const headerFile = (recording: string): string => `recordings/${recording}/header`;
/** Of a log that was taken out with its recordings, however many there are. No archive of evidence has it. */
export const RECORDINGS_README = 'recordings/README.txt';
export const castFile = (recording: string): string => `recordings/${recording}.cast`;
export const chunkFile = (recording: string, seq: number): string =>
  `recordings/${recording}/${digits(seq, 8)}.gz`;

const ONCE = new Map(Object.entries(ARCHIVE_FILES).map(([kind, name]) => [name as string, kind]));
const OF_EVENTS = { json: 'event', 'tlog-proof': 'proof', dropped: 'dropped' } as const;

/** What the file is; undefined for a name that no archive has: paths that lead elsewhere are none of these. */
export function readArchiveName(name: string): ArchiveName | undefined {
  const once = ONCE.get(name);
  if (once !== undefined) return { kind: once as keyof typeof ARCHIVE_FILES };
  const event = /^events\/(\d{15})\.(json|tlog-proof|dropped)$/.exec(name);
  if (event) {
    const [, index = '', ending = 'json'] = event;
    return { kind: OF_EVENTS[ending as keyof typeof OF_EVENTS], index: Number(index) };
  }
  const [, hash] = /^policies\/([0-9a-f]{64})\.json$/.exec(name) ?? [];
  if (hash !== undefined) return { kind: 'policy', hash };
  const [, recording = '', rest = ''] =
    /^recordings\/([a-z0-9]{16})(\/.+|\.cast)$/.exec(name) ?? [];
  if (!RECORDING_ID.test(recording)) return undefined;
  if (rest === '.cast') return { kind: 'cast', recording };
  if (rest === '/header') return { kind: 'header', recording };
  const [, seq] = /^\/(\d{8})\.gz$/.exec(rest) ?? [];
  return seq === undefined ? undefined : { kind: 'chunk', recording, seq: Number(seq) };
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
