import { z } from 'zod';
import { RECORDINGS, WAYS } from '../domain/policy/policy.js';
import { STREAM_KINDS } from '../domain/recording/recording.js';
import { SESSION_ID } from '../domain/session/session.js';
import { NEXT_CURSOR, PAGE_QUERY } from './page.schema.js';
import { PersonView } from './person.schema.js';
import { instant, line, prose } from './text.schema.js';

const count = (description: string) => z.int().min(0).meta({ description });

export const RecordingView = z
  .strictObject({
    id: z.string().meta({ examples: ['5w2m9q4x1v8t3b6n'] }),
    session: z.string(),
    kind: z.enum(STREAM_KINDS).meta({
      description:
        '`terminal`: a shell; `exec`: one command; `copy`: files; `forward`: ports; `logs`: a container’s log.',
    }),
    state: z.enum(['running', 'ended', 'abandoned', 'dropped']).meta({
      description:
        '`abandoned`: its replica died, and about a second may be missing. `dropped`: its time is over; the digests are kept.',
    }),
    way: z.enum(WAYS),
    by: PersonView,
    mode: z.enum(RECORDINGS),
    input: z.boolean().meta({ description: 'Whether what was typed is recorded too.' }),
    startedAt: instant(),
    endedAt: instant().nullable(),
    exitCode: z.int().nullable(),
    why: z.string().nullable().meta({ description: 'How it ended.' }),
    chunks: count('The parts that are stored.'),
    storedBytes: count('As they are stored: compressed.'),
    gaps: count('How often something was shown that could not be recorded (`best-effort` only).'),
    digest: z.string().meta({
      description:
        'SHA-256 (hex) of the digest before the last chunk and that chunk, and so on to the first; when it has ended it is in the audit log.',
    }),
    keepUntil: instant().nullable().meta({ description: 'When it may be dropped.' }),
    held: z.boolean().meta({ description: 'Whether it is kept beyond its time.' }),
  })
  .meta({ id: 'Recording' });
export type RecordingView = z.infer<typeof RecordingView>;

export const RecordingList = z
  .strictObject({ items: z.array(RecordingView), nextCursor: NEXT_CURSOR })
  .meta({ id: 'RecordingList' });

export const CastQuery = z.strictObject({
  version: z
    .enum(['3', '2'])
    .exactOptional()
    .meta({ description: 'Of asciicast; 3 is as stored.' }),
});

/** A recording in asciicast, as text. */
export const Cast = z.string().meta({
  id: 'Cast',
  description:
    'asciicast: a header, then an event in each line (https://docs.asciinema.org/manual/asciicast/v3/).',
});

/** A recording as it is stored, as bytes. */
export const StoredRecording = z.string().meta({
  id: 'StoredRecording',
  description:
    'The header line, then each chunk (lines of asciicast in gzip), each after its length in four bytes, the highest first.',
});

/** The lines that were on the screen of a recording, as text. */
export const ScreenText = z.string().meta({
  id: 'ScreenText',
  description: 'Minute and second, then a line that was on the screen.',
});

export const RecordingHold = z
  .strictObject({
    hold: z.boolean(),
    reason: prose(2000).exactOptional().meta({ description: 'Why, for the audit log.' }),
  })
  .meta({ id: 'RecordingHold', examples: [{ hold: true, reason: 'under investigation' }] });

export const ScreenQuery = z.strictObject({
  q: line(200).meta({
    description: 'Words that were on the screen; "in quotes" beside each other; -without this one.',
  }),
  session: z.string().regex(SESSION_ID, 'must be the id of a session').exactOptional(),
  ...PAGE_QUERY,
});

export const ScreenHits = z
  .strictObject({
    items: z.array(
      z.strictObject({
        recording: z.string(),
        session: z.string(),
        at: instant().meta({ description: 'When it was on the screen.' }),
        atMs: count('The same in milliseconds since the recording began.'),
        text: z.string().meta({ description: 'A line that was on the screen.' }),
      }),
    ),
    shows: z.literal('what was on the screen, not what was executed'),
    nextCursor: NEXT_CURSOR,
  })
  .meta({ id: 'ScreenHits' });
export type ScreenHits = z.infer<typeof ScreenHits>;
