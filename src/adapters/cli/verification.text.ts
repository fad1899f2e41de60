import type { Verification } from '../../app/verify-log.js';
import { counted } from './screen.js';

/** What verifying a log found, for machines. */
export function factsOf({ head, older, ...rest }: Verification): object {
  const told = (it: Verification['head']) =>
    it && { origin: it.origin, size: it.size, root: it.root.toString('base64') };
  return { ...rest, checkpoint: told(head), older: told(older) };
}

/** The same in sentences. */
export function linesOf(report: Verification): string[] {
  const { head, keys, older, events, dropped, findings } = report;
  const about = [
    ...(head
      ? [`${head.origin}: ${counted(head.size, 'event')}, signed by ${keys.join(' and ')}.`]
      : []),
    ...(dropped > 0
      ? [
          dropped === 1
            ? 'The body of 1 was dropped: its hash is in the tree.'
            : `The bodies of ${dropped} were dropped: their hashes are in the tree.`,
        ]
      : []),
    ...recordingLines(report),
  ];
  if (findings.length === 0) {
    const since = older
      ? ` It goes on from the older checkpoint of ${counted(older.size, 'event')}.`
      : '';
    return [
      ...about,
      `${allText(events)} as ${events === 1 ? 'it was' : 'they were'} signed, and in order.${since}`,
    ];
  }
  const found = findings.map(({ index, what }) =>
    index === null
      ? `${what.charAt(0).toUpperCase()}${what.slice(1)}.`
      : `Event ${index}: ${what}.`,
  );
  return [...about, 'THE LOG IS NOT WHAT WAS SIGNED:', ...found];
}

function recordingLines(report: Verification): string[] {
  const { recordings, recordingsDropped, recordingsUnseen } = report;
  return [
    ...storedLines(recordings),
    ...(recordingsDropped > 0
      ? [
          `${recordingsDropped === 1 ? '1 recording was dropped at the end of its' : `${recordingsDropped} recordings were dropped at the end of their`} time.`,
        ]
      : []),
    ...(recordingsUnseen > 0
      ? [
          `${counted(recordingsUnseen, 'recording was', 'recordings were')} not looked at: take the log out with --recordings.`,
        ]
      : []),
  ];
}

/** `All 3 events are`. */
export function allText(events: number): string {
  return events === 1 ? 'The only event is' : `All ${events} events are`;
}

export function storedLines(recordings: number): string[] {
  if (recordings === 0) return [];
  return [
    recordings === 1
      ? '1 recording is the one that was stored.'
      : `${recordings} recordings are those that were stored.`,
  ];
}
