import type { Verification } from '../../app/verify-log.js';

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
    ...(head ? [`${head.origin}: ${head.size} events, signed by ${keys.join(' and ')}.`] : []),
    ...(dropped > 0
      ? [`The bodies of ${dropped} were dropped: their hashes are in the tree.`]
      : []),
    ...recordingLines(report),
  ];
  if (findings.length === 0) {
    const since = older ? ` It goes on from the older checkpoint of ${older.size} events.` : '';
    return [...about, `All ${events} events are as they were signed, and in order.${since}`];
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
    ...(recordings > 0 ? [`${recordings} recordings are those that were stored.`] : []),
    ...(recordingsDropped > 0
      ? [`${recordingsDropped} recordings were dropped at the end of their time.`]
      : []),
    ...(recordingsUnseen > 0
      ? [`${recordingsUnseen} recordings were not looked at: take the log out with --recordings.`]
      : []),
  ];
}
