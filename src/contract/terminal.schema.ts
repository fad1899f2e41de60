import { z } from 'zod';
import { TICKET_KINDS } from '../domain/ticket.js';
import { digits, repeatable } from './page.schema.js';
import { instant } from './text.schema.js';

/** The subprotocols of WebSockets, by the kind of ticket that opens them. */
export const PROTOCOLS = {
  terminal: 'hallpass.terminal.v1',
  watch: 'hallpass.watch.v1',
} as const satisfies Record<(typeof TICKET_KINDS)[number], string>;

/** Before the ticket, where it travels as a subprotocol beside the real one. */
export const TICKET_PREFIX = 'hallpass.ticket.';

/** The largest message that is taken, its channel included. */
export const MESSAGE_BYTES_MAX = 262_144;
/** The largest text message that is taken from a client. */
export const TEXT_BYTES_MAX = 4_096;

/** The first byte of a binary message, as in `v5.channel.k8s.io`. */
export const CHANNELS = { stdin: 0, stdout: 1, stderr: 2, close: 255 } as const;

export const NewTicket = z.strictObject({ kind: z.enum(TICKET_KINDS) }).meta({
  id: 'NewTicket',
  description: '`terminal`: to enter one’s own session. `watch`: to see what is shown in one.',
  examples: [{ kind: 'terminal' }],
});

export const TicketView = z
  .strictObject({
    ticket: z.string().meta({
      description: 'Shown once. Opens one connection, to this session, of this kind.',
    }),
    kind: z.enum(TICKET_KINDS),
    expiresAt: instant(),
    protocol: z.enum([PROTOCOLS.terminal, PROTOCOLS.watch]).meta({
      description: 'The WebSocket subprotocol to offer.',
    }),
    url: z.string().meta({ description: 'Where to connect. The ticket does not belong in it.' }),
  })
  .meta({ id: 'Ticket' });
export type TicketView = z.infer<typeof TicketView>;

const SIZE_MAX = 1_000;
const COMMAND_PARTS_MAX = 64;
const COMMAND_BYTES_MAX = 8_192;

const side = () => digits(z.int().min(1).max(SIZE_MAX));
const truth = () => z.enum(['true', 'false']).exactOptional();

/** What a terminal is opened with. */
export const TerminalQuery = z.strictObject({
  command: repeatable(
    z
      .string()
      .max(COMMAND_BYTES_MAX)
      .refine((part) => !part.includes('\0'), {
        error: 'must not hold a NUL character',
      }),
    COMMAND_PARTS_MAX,
  )
    .exactOptional()
    .meta({
      description:
        'The program, and again for each of its arguments. Left out: the profile’s shell, kept by its multiplexer.',
    }),
  tty: truth().meta({
    description: 'Whether it gets a terminal. Left out: only where no command is given.',
  }),
  stdin: truth().meta({ description: '`false`: it gets no input.' }),
  columns: side().meta({ description: 'The width in characters; 80 if left out.' }),
  rows: side().meta({ description: 'The height in lines; 24 if left out.' }),
});
export type TerminalQuery = z.infer<typeof TerminalQuery>;

/** What a client says in text messages. Types that are not known are let pass: newer clients may have more. */
export const ClientMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('resize'),
    columns: z.int().min(1).max(SIZE_MAX),
    rows: z.int().min(1).max(SIZE_MAX),
  }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

/** A text message of a type that this version does not know. */
export const OtherMessage = z.object({ type: z.string() });
