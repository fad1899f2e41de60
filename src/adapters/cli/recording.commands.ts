import { createWriteStream } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';
import { RecordingList, RecordingView, ScreenHits } from '../../contract/recording.schema.js';
import { readPages } from './broker.pages.js';
import { castComment, castEvent, castHeader, linesOf, pauseMs } from './cast.events.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { trouble } from './command.failure.js';
import type { ExitCode } from './exit.codes.js';
import { EXIT } from './exit.codes.js';
import { OnlookerScreen } from './onlooker.screen.js';
import { count, factor } from './option.readers.js';
import { writeBytes } from './output.writer.js';
import { clockText, distanceText, lengthText } from './person.time.js';
import { sessionPathOf } from './session.follower.js';
import { table } from './styled.text.js';

const ID = ['<id>', 'the recording'] as const;

/** Where the broker has a recording. */
export function recordingPathOf(id: string, rest = ''): string {
  return `/v1/recordings/${encodeURIComponent(id)}${rest}`;
}

interface ListOptions extends ClientOptions {
  readonly limit: number;
}
interface PlayOptions extends ClientOptions {
  readonly speed: number;
  readonly idleLimit: number;
}
interface ExportOptions extends ClientOptions {
  readonly format: string;
  readonly file?: string;
}
interface SearchOptions extends ClientOptions {
  readonly session?: string;
  readonly limit: number;
}

/** `hallpass recording …`: what was shown in sessions. Reading it is an event of the audit log. */
export function recordingCommands(deps: CommandDeps): Command {
  const recording = new Command('recording').description(
    'list, play, search and export what was shown in sessions',
  );
  clientCommand(recording.command('list'))
    .description('the recordings of a session')
    .argument('<session>', 'the session')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(acting<ListOptions, [string]>(deps, runList));
  clientCommand(recording.command('play'))
    .description('show a recording as it was shown then')
    .argument(...ID)
    .option('--speed <factor>', 'so many times as fast', factor, 1)
    .option('--idle-limit <seconds>', 'the longest that nothing happens', factor, 5)
    .action(acting<PlayOptions, [string]>(deps, runPlay));
  clientCommand(recording.command('search'))
    .description('find a text that was on the screen; that says nothing of what was executed')
    .argument('<text>', 'what to look for')
    .option('--session <id>', 'only in this session')
    .option('--limit <count>', 'so many at most', count, 50)
    .action(acting<SearchOptions, [string]>(deps, runSearch));
  clientCommand(recording.command('export'))
    .description('write a recording as asciicast')
    .argument(...ID)
    .addOption(new Option('--format <version>', 'of asciicast').choices(['v3', 'v2']).default('v3'))
    .option('--file <file>', 'write it to this file (default: standard output)')
    .action(acting<ExportOptions, [string]>(deps, runExport));
  clientCommand(recording.command('hold'))
    .description('keep a recording beyond its time, until the hold is released')
    .argument(...ID)
    .option('--reason <text>', 'why it is held')
    .option('--release', 'release the hold')
    .action(
      acting<ClientOptions & { readonly release?: boolean; readonly reason?: string }, [string]>(
        deps,
        async (running, id) => {
          const { release, reason } = running.options;
          const broker = await running.broker();
          const isHeld = release !== true;
          const { raw } = await broker.call(recordingPathOf(id, '/hold'), RecordingView, {
            method: 'POST',
            body: { hold: isHeld, ...(reason === undefined ? {} : { reason }) },
          });
          await running.show(raw, () => [
            isHeld
              ? `Recording ${id} is kept until the hold is released.`
              : `Recording ${id} is kept as long as policy says, and no longer.`,
          ]);
          return EXIT.ok;
        },
      ),
    );
  return recording;
}

async function runList(
  running: Running & { readonly options: ListOptions },
  session: string,
): Promise<ExitCode> {
  const { limit, output } = running.options;
  const { items, more, raw } = await readPages(
    await running.broker(),
    sessionPathOf(session, '/recordings'),
    { shape: RecordingList, query: {}, limit },
  );
  const { now } = running.moment;
  await running.show(raw, () => {
    if (items.length === 0) return ['There are none.'];
    const wide = output === 'wide';
    const heads = ['ID', 'KIND', 'STATE', 'BY', 'BEGAN', 'LASTED', 'EXIT'];
    const rows = items.map((it) => [
      it.id,
      it.kind,
      it.held ? `${it.state}, held` : it.state,
      it.by.sub,
      distanceText(new Date(it.startedAt), now),
      it.endedAt === null
        ? ''
        : lengthText((Date.parse(it.endedAt) - Date.parse(it.startedAt)) / 1000),
      it.exitCode === null ? '' : `${it.exitCode}`,
      ...(wide ? [it.why ?? '', `${it.storedBytes}`, `${it.gaps}`, it.digest] : []),
    ]);
    const lines = table(wide ? [...heads, 'WHY', 'BYTES', 'GAPS', 'DIGEST'] : heads, rows);
    return more ? [...lines, 'There are more: see --limit.'] : lines;
  });
  return EXIT.ok;
}

async function runPlay(
  running: Running & { readonly options: PlayOptions },
  id: string,
): Promise<ExitCode> {
  const { speed, idleLimit } = running.options;
  const pace = { speed, idleSecondsMax: idleLimit };
  const leave = new AbortController();
  const parts = await castOf(running, id, 'v3', leave.signal);
  using screen = new OnlookerScreen(running, () => leave.abort());
  try {
    for await (const line of linesOf(parts)) {
      const header = castHeader(line);
      if (header) screen.header(id, header);
      const comment = castComment(line);
      if (comment !== undefined) screen.notice(comment);
      const event = castEvent(line);
      if (!event) continue;
      await pause(pauseMs(event, pace), undefined, { signal: leave.signal });
      await screen.event(id, event);
    }
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  }
  return screen.ending ?? EXIT.ok;
}

async function runSearch(
  running: Running & { readonly options: SearchOptions },
  text: string,
): Promise<ExitCode> {
  const { session, limit } = running.options;
  const { items, more, raw } = await readPages(await running.broker(), '/v1/recordings/search', {
    shape: ScreenHits,
    query: { q: text, session },
    limit,
  });
  await running.show(raw, () => {
    if (items.length === 0) return ['It was on no screen that you may read.'];
    const rows = items.map(({ recording, session: of, at, atMs, text: shown }) => [
      recording,
      of,
      clockText(new Date(at), running.moment),
      `${(atMs / 1000).toFixed(1)} s`,
      shown,
    ]);
    const lines = table(['RECORDING', 'SESSION', 'WHEN', 'INTO IT', 'ON SCREEN'], rows);
    return more ? [...lines, 'There are more: see --limit.'] : lines;
  });
  return items.length === 0 ? EXIT.found : EXIT.ok;
}

async function runExport(
  running: Running & { readonly options: ExportOptions },
  id: string,
): Promise<ExitCode> {
  const { format, file } = running.options;
  const parts = await castOf(running, id, format);
  if (file !== undefined) await pipeline(parts, createWriteStream(file, { mode: 0o600 }));
  else for await (const part of parts) await writeBytes(running.world.output, part);
  return EXIT.ok;
}

async function castOf(
  running: Running,
  id: string,
  format: string,
  signal?: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const response = await (
    await running.broker()
  ).stream(`${recordingPathOf(id, '/cast')}?version=${format.slice(1)}`, {
    headers: { accept: 'application/x-asciicast' },
    ...(signal ? { signal } : {}),
  });
  if (!response.body) throw trouble(`Recording ${id} is empty.`);
  return response.body;
}
