import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import type { ScreenLine } from '../../app/ports/recording.store.js';
import { ReadRecordings } from '../../app/read-recordings.js';
import { recordingView } from '../../app/views/recording.view.js';
import { PAGE_LIMIT_DEFAULT } from '../../contract/page.schema.js';
import {
  Cast,
  CastQuery,
  RecordingHold,
  RecordingList,
  RecordingView,
  ScreenHits,
  ScreenQuery,
  ScreenText,
  StoredRecording,
} from '../../contract/recording.schema.js';
import { problem } from '../../domain/problem.js';
import type { RecordingId } from '../../domain/recording/recording.js';
import { parseRecordingId } from '../../domain/recording/recording.js';
import type { SessionId } from '../../domain/session/session.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { ListCursor, nextLink } from './list.cursor.js';
import { GetOnly } from './get.only.js';
import { Operation } from './operation.decorator.js';
import { Refused, orRefuse } from './refused.error.js';
import { sessionIdIn } from './session.id.js';

const CAST_MEDIA_TYPE = 'application/x-asciicast';
const BYTES = 'application/octet-stream';
const HIT = z.string().regex(/^[0-9a-hjkmnp-tv-z]{16}:\d{1,9}$/);
const NOT_EXECUTED =
  '# What was on the screen, by minute and second. It is not what was executed.\n';

/** What was shown in sessions. */
@Controller('v1')
export class RecordingsController {
  constructor(private readonly reading: ReadRecordings) {}

  @Get('sessions/:id/recordings')
  @Allow('session:read')
  @Operation({
    id: 'listRecordings',
    tag: 'recordings',
    summary: 'The recordings of a session',
    description:
      'One for each stream into it, in the order in which they began, without what they show.',
    status: 200,
    answers: RecordingList,
    problems: ['not-found'],
  })
  async list(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
  ): Promise<z.infer<typeof RecordingList>> {
    const found = orRefuse(await this.reading.ofSession(caller, sessionIdIn(path)));
    return { items: found.map(recordingView), nextCursor: null };
  }

  @Get('recordings/search')
  @GetOnly()
  @Allow('recording:read')
  @Operation({
    id: 'searchScreens',
    tag: 'recordings',
    summary: 'Find what was on the screen',
    description:
      'In the recordings of one session for who may read them, in all for auditors; newest first. Screens are read a ' +
      'while after a recording has ended. The searching is itself an event.',
    status: 200,
    answers: ScreenHits,
    gives: [{ name: 'Link', description: 'The next page (`rel="next"`), where there is one.' }],
    problems: ['invalid-cursor', 'not-found'],
  })
  async search(
    @CurrentCaller() caller: Caller,
    @Query({ schema: ScreenQuery }) query: z.infer<typeof ScreenQuery>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ScreenHits> {
    const { q, session, limit = PAGE_LIMIT_DEFAULT, cursor } = query;
    const cursors = new ListCursor('screens', { q, session }, HIT);
    const place = cursor === undefined ? undefined : cursors.parse(cursor);
    const [recording = '', line] = place?.id.split(':') ?? [];
    const { hits, more } = orRefuse(
      await this.reading.search(caller, {
        text: q,
        session: session === undefined ? null : (session as SessionId),
        limit,
        ...(place
          ? {
              after: {
                startedAt: place.at,
                recording: recording as RecordingId,
                line: Number(line),
              },
            }
          : {}),
      }),
    );
    const last = hits.at(-1);
    const nextCursor =
      more && last
        ? cursors.after({ at: last.startedAt, id: `${last.recording}:${last.line}` })
        : null;
    if (nextCursor !== null) void reply.header('link', nextLink(request.url, nextCursor));
    return {
      items: hits.map((hit) => ({
        recording: hit.recording,
        session: hit.session,
        at: new Date(hit.startedAt.getTime() + hit.atMs).toISOString(),
        atMs: hit.atMs,
        text: hit.text,
      })),
      shows: 'what was on the screen, not what was executed',
      nextCursor,
    };
  }

  @Get('recordings/:id')
  @Allow('session:read')
  @Operation({
    id: 'readRecording',
    tag: 'recordings',
    summary: 'What is known of a recording besides what it shows',
    status: 200,
    answers: RecordingView,
    problems: ['not-found'],
  })
  async read(@CurrentCaller() caller: Caller, @Param('id') path: string): Promise<RecordingView> {
    return recordingView(orRefuse(await this.reading.info(caller, idIn(path))));
  }

  @Get('recordings/:id/cast')
  @GetOnly()
  @Allow('recording:read')
  @Operation({
    id: 'readCast',
    tag: 'recordings',
    summary: 'What was shown, as asciicast',
    description:
      'Version 3 as it is stored, or 2; streamed, each part held to its digest first. For who was in the session, who ' +
      'decided about it, and auditors. The reading is itself an event.',
    status: 200,
    answers: Cast,
    media: CAST_MEDIA_TYPE,
    problems: ['not-found'],
  })
  async cast(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Query({ schema: CastQuery }) { version = '3' }: z.infer<typeof CastQuery>,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const id = idIn(path);
    const { lines } = orRefuse(await this.reading.cast(caller, id, version === '3' ? 3 : 2));
    sendText(reply, CAST_MEDIA_TYPE, { name: `${id}.cast`, lines });
  }

  @Get('recordings/:id/stored')
  @GetOnly()
  @Allow('recording:read')
  @Operation({
    id: 'readStoredRecording',
    tag: 'recordings',
    summary: 'A recording as it is stored',
    description:
      'What the digest in the event of its end is of, for who verifies it. For whom the asciicast is. The reading is ' +
      'itself an event.',
    status: 200,
    answers: StoredRecording,
    media: BYTES,
    problems: ['not-found'],
  })
  async stored(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { parts } = orRefuse(await this.reading.stored(caller, idIn(path)));
    void reply.type(BYTES).send(Readable.from(parts, { objectMode: false }));
  }

  @Get('recordings/:id/text')
  @GetOnly()
  @Allow('recording:read')
  @Operation({
    id: 'readScreen',
    tag: 'recordings',
    summary: 'What was on the screen, as text',
    description:
      'With escape codes applied; it says what was shown, not what was executed. Empty until the screen was read, a while ' +
      'after the end. The reading is itself an event.',
    status: 200,
    answers: ScreenText,
    media: 'text/plain',
    problems: ['not-found'],
  })
  async text(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const id = idIn(path);
    const { lines } = orRefuse(await this.reading.screen(caller, id));
    sendText(reply, 'text/plain', { name: `${id}.txt`, lines: screenText(lines) });
  }

  @Post('recordings/:id/hold')
  @HttpCode(200)
  @Allow('recording:hold')
  @Operation({
    id: 'holdRecording',
    tag: 'recordings',
    summary: 'Keep a recording beyond its time, or no longer',
    status: 200,
    answers: RecordingView,
    problems: ['unsupported-media-type', 'invalid-fields', 'not-found'],
  })
  async hold(
    @CurrentCaller() caller: Caller,
    @Param('id') path: string,
    @Body({ schema: RecordingHold }) { hold, reason }: z.infer<typeof RecordingHold>,
  ): Promise<RecordingView> {
    const word = { held: hold, ...(reason === undefined ? {} : { reason }) };
    return recordingView(orRefuse(await this.reading.hold(caller, idIn(path), word)));
  }
}

function idIn(path: string): RecordingId {
  const id = parseRecordingId(path);
  if (id) return id;
  throw new Refused(problem('not-found', 'There is no such recording that you may see.'));
}

function sendText(
  reply: FastifyReply,
  type: string,
  { name, lines }: { name: string; lines: AsyncIterable<string> | Iterable<string> },
): void {
  void reply
    .header('content-type', `${type}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="${name}"`)
    .send(Readable.from(lines, { objectMode: false }));
}

function* screenText(lines: readonly ScreenLine[]): Generator<string> {
  yield NOT_EXECUTED;
  for (const { atMs, text } of lines) {
    const seconds = Math.floor(atMs / 1000);
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    yield `${clock.padStart(8)}  ${text}\n`;
  }
}
