import { applyDecorators } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiHeader,
  ApiOperation,
  ApiResponse,
  ApiSecurity,
  ApiTags,
} from '@nestjs/swagger';
import type { z } from 'zod';
import { problemType } from '../../contract/problem.schema.js';
import { PROTOCOLS, TICKET_PREFIX } from '../../contract/terminal.schema.js';
import type { ProblemCode } from '../../domain/problem.js';
import { PROBLEMS } from '../../domain/problem.js';
import type { TicketKind } from '../../domain/ticket.js';
import { PROBLEM_MEDIA_TYPE } from './problem.document.js';

/** A header that a call takes or gives. */
export interface HeaderNote {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  readonly example?: string;
}

/** What a handler does, for `/openapi.json`. Its parameters and its body come from the schemas that parse them. */
export interface OperationNote {
  /** The operation's name, for generated clients. */
  readonly id: string;
  readonly tag: 'sessions' | 'recordings' | 'reviews' | 'catalog' | 'audit' | 'channels';
  readonly summary: string;
  readonly description?: string;
  readonly status: 200 | 201 | 202;
  /** What it answers with: a schema of `src/contract` that has an id, or a stream of events of that schema. */
  readonly answers: z.ZodType;
  /** Other statuses that it answers the same with, and when. */
  readonly also?: Readonly<Record<number, string>>;
  readonly stream?: boolean;
  /** What it answers with where that is not JSON. */
  readonly media?: string;
  /** The media types of texts that it answers with as well, to those who ask for them. */
  readonly texts?: readonly string[];
  readonly takes?: readonly HeaderNote[];
  readonly gives?: readonly HeaderNote[];
  /** Whether the body may be left out. */
  readonly bodyOptional?: boolean;
  /** Answers without a body. */
  readonly empty?: Readonly<Record<number, string>>;
  /** Whether it is for people who are not signed in too. */
  readonly public?: boolean;
  /** The refusals of this call besides those of every call. */
  readonly problems: readonly ProblemCode[];
}

const ALWAYS: readonly ProblemCode[] = [
  'invalid-request',
  'too-large',
  'internal',
  'database-unavailable',
];
/** The refusals of every call that is for people who are signed in. */
const OF_THE_GUARD: readonly ProblemCode[] = [
  'unauthenticated',
  'forbidden',
  'identity-unavailable',
];

export const REQUEST_ID: HeaderNote = {
  name: 'X-Request-Id',
  description:
    'The id of this request, as in the log. The caller’s own where it sent one of 8 to 64 safe characters.',
};

/** Documents a handler. The status that it answers with is what `@HttpCode` says. */
export function Operation(note: OperationNote): MethodDecorator {
  const { id, summary, description, tag, status } = note;
  return applyDecorators(
    ApiTags(tag),
    ...(note.public ? [] : [ApiBearerAuth('bearer')]),
    ApiOperation({
      operationId: id,
      summary,
      ...(description === undefined ? {} : { description }),
    }),
    ...(note.bodyOptional ? [ApiBody({ required: false })] : []),
    ...(note.takes ?? []).map((header) =>
      ApiHeader({
        name: header.name,
        description: header.description,
        required: header.required ?? false,
        schema: { type: 'string' },
        ...(header.example === undefined ? {} : { example: header.example }),
      }),
    ),
    ...Object.entries({
      [status]: note.stream ? 'A stream of events (Server-Sent Events).' : 'Done.',
      ...note.also,
    }).map(([code, text]) =>
      ApiResponse({
        status: Number(code),
        description: text,
        headers: headersOf([REQUEST_ID, ...(note.gives ?? [])]),
        content: note.stream
          ? {
              'text/event-stream': {
                schema: { type: 'string', description: streamText(note.answers) },
              },
            }
          : {
              [note.media ?? 'application/json']: { schema: { $ref: refOf(note.answers) } },
              ...Object.fromEntries(
                (note.texts ?? []).map((media) => [media, { schema: { type: 'string' as const } }]),
              ),
            },
      }),
    ),
    ...Object.entries(note.empty ?? {}).map(([code, text]) =>
      ApiResponse({ status: Number(code), description: text, headers: headersOf([REQUEST_ID]) }),
    ),
    ...problemResponses([...ALWAYS, ...(note.public ? [] : OF_THE_GUARD), ...note.problems]),
  );
}

/** Documents a handler that takes the connection over for a WebSocket, by a ticket. */
export function SocketOperation(note: {
  readonly id: string;
  readonly kind: TicketKind;
  readonly summary: string;
  readonly description: string;
}): MethodDecorator {
  const { id, kind, summary, description } = note;
  const protocol = PROTOCOLS[kind];
  return applyDecorators(
    ApiTags('sessions'),
    ApiSecurity('ticket'),
    ApiOperation({ operationId: id, summary, description }),
    ApiHeader({
      name: 'Sec-WebSocket-Protocol',
      description: `\`${protocol}\`, and the ticket as \`${TICKET_PREFIX}<ticket>\` where it is not sent as a bearer token.`,
      required: true,
      schema: { type: 'string' },
      example: `${protocol}, ${TICKET_PREFIX}Zk0vN0l4dE1pUm9nYVh1cWxVd3NQZGx2c0xJd2J5cXM`,
    }),
    ApiResponse({
      status: 101,
      description: `The connection speaks \`${protocol}\` from here on.`,
    }),
    ...problemResponses([
      ...ALWAYS,
      'invalid-ticket',
      'forbidden',
      'not-found',
      'too-many-requests',
    ]),
  );
}

/** Where a schema with an id stands in the document. */
export function refOf(schema: z.ZodType): string {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error('a schema that is answered with needs an id');
  return `#/components/schemas/${id}`;
}

function streamText(schema: z.ZodType): string {
  return `The \`data\` of each event \`step\` is JSON: the schema \`${schema.meta()?.id ?? ''}\`.`;
}

function headersOf(notes: readonly HeaderNote[]) {
  return Object.fromEntries(
    notes.map(({ name, description }) => [
      name,
      { description, schema: { type: 'string' as const } },
    ]),
  );
}

/** One response for each status, with an example for each problem that has it. */
function problemResponses(codes: readonly ProblemCode[]): MethodDecorator[] {
  const unique = [...new Set(codes)];
  const statuses = [...new Set(unique.map((code) => PROBLEMS[code].status))];
  return statuses.map((status) => {
    const these = unique.filter((code) => PROBLEMS[code].status === status);
    return ApiResponse({
      status,
      description: these.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
      headers: headersOf([REQUEST_ID]),
      content: {
        [PROBLEM_MEDIA_TYPE]: {
          schema: { $ref: '#/components/schemas/Problem' },
          examples: Object.fromEntries(these.map((code) => [code, { value: exampleOf(code) }])),
        },
      },
    });
  });
}

function exampleOf(code: ProblemCode): Record<string, unknown> {
  const { status, title } = PROBLEMS[code];
  return {
    type: problemType(code),
    title,
    status,
    detail: 'What happened, and what to do.',
    instance: 'urn:request:0f5c1f0e-6c0a-4f5e-9c3b-2f1d7f0a9b11',
    ...(status === 422 ? { errors: [{ path: '/reason', message: 'is required' }] } : {}),
  };
}
