import type { IncomingMessage } from 'node:http';
import { PROTOCOLS, TICKET_PREFIX } from '../../contract/terminal.schema.js';
import type { Problem } from '../../domain/problem.js';
import { problem } from '../../domain/problem.js';
import type { TicketKind } from '../../domain/ticket.js';
import type { HttpSettings } from './http.settings.js';
import { asksWebSocket } from './upgrades.js';

/**
 * Why a request to open a WebSocket is not one that can be granted; undefined where it may be, by a ticket. Asked before
 * the ticket is used up.
 */
export function offerRefusal(
  request: IncomingMessage,
  kind: TicketKind,
  settings: Pick<HttpSettings, 'origins' | 'publicUrl'>,
): Problem | undefined {
  const { headers } = request;
  if (!asksWebSocket(request)) {
    return problem('invalid-request', 'Connect to this address by WebSocket (RFC 6455).');
  }
  const offered = protocolsOf(headers['sec-websocket-protocol']);
  if (!offered.includes(PROTOCOLS[kind]) || new Set(offered).size !== offered.length) {
    return problem('invalid-request', `Offer the subprotocol ${PROTOCOLS[kind]}.`);
  }
  if (headers.origin === undefined || originsOf(settings).includes(headers.origin))
    return undefined;
  return problem('forbidden', 'Pages of this origin may not connect here.');
}

/** The ticket in a request: as a subprotocol, or as a bearer token. Empty where there is none. */
export function ticketOf({ headers }: IncomingMessage): string {
  const asProtocol = protocolsOf(headers['sec-websocket-protocol']).find((offered) =>
    offered.startsWith(TICKET_PREFIX),
  );
  if (asProtocol !== undefined) return asProtocol.slice(TICKET_PREFIX.length);
  return /^Bearer ([\w-]+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
}

function protocolsOf(header: string | undefined): string[] {
  return (header ?? '').split(',').map((offered) => offered.trim());
}

/** Whose pages may connect: those that are named, else those of the address that people use. */
function originsOf({ origins, publicUrl }: Pick<HttpSettings, 'origins' | 'publicUrl'>) {
  return origins.length > 0 ? origins : [new URL(publicUrl).origin];
}
