import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { CHANNELS, PROTOCOLS, TICKET_PREFIX, TicketView } from '../src/contract/terminal.schema.js';
import type { OpenProcess, Wanted } from './open.process.js';
import { Counted } from './open.process.js';
import type { RunningSession } from './terminal.stage.js';

/** It was closed before it was open. */
export class ClosedError extends Error {
  /** @param code the close frame's; a refusal's is its status, after a 4. */
  constructor(
    readonly code: number,
    said: string,
  ) {
    super(`closed with ${code}: ${said}`);
  }
}

/** A process in a session's container, entered through the broker as `hallpass` and the console do. */
export class BrokeredExec extends Counted implements OpenProcess {
  private readonly entered: Promise<undefined>;

  private constructor(private readonly socket: WebSocket) {
    super();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.entered = promise;
    let said = '';
    socket.on('error', reject);
    socket.on('close', (code) => reject(new ClosedError(code, said)));
    socket.on('message', (data: RawData, isBinary) => {
      if (isBinary && Buffer.isBuffer(data) && data[0] === CHANNELS.stdout) {
        this.took(data.length - 1);
      } else if (!isBinary && Buffer.isBuffer(data)) {
        said = data.toString('utf8');
        if (said.includes('"type":"open"')) resolve(undefined);
      }
    });
    socket.on('close', () => this.ended());
  }

  /** Resolves once the broker has opened it, its recording too. @param wanted the profile's shell, where nothing is. */
  static async open(
    { id, client }: RunningSession,
    { caPem, wanted }: { readonly caPem: string; readonly wanted: Wanted | undefined },
  ): Promise<BrokeredExec> {
    const path = `/v1/sessions/${id}`;
    const { body } = await client.call('POST', `${path}/tickets`, { body: { kind: 'terminal' } });
    const { ticket } = TicketView.parse(body);
    const query = new URLSearchParams();
    if (wanted) query.set('tty', `${wanted.tty}`);
    for (const part of wanted?.command ?? []) query.append('command', part);
    const url = `${client.url.replace(/^http/, 'ws')}${path}/terminal?${query.toString()}`;
    const socket = new WebSocket(url, [PROTOCOLS.terminal, `${TICKET_PREFIX}${ticket}`], {
      ca: caPem,
      perMessageDeflate: false,
    });
    const exec = new BrokeredExec(socket);
    await exec.entered;
    return exec;
  }

  write(text: string): Promise<void> {
    const frame = Buffer.concat([Buffer.of(CHANNELS.stdin), Buffer.from(text)]);
    return new Promise((resolve, reject) => {
      this.socket.send(frame, { binary: true }, (error) => (error ? reject(error) : resolve()));
    });
  }

  close(): void {
    this.socket.terminate();
  }
}
