import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { loginPage } from './login.page.js';
import { personBySub } from './people.js';
import { INTERACTION_PATH, SIGN_IN } from './provider.configuration.js';

const BODY_BYTES_MAX = 1_024;

/** Whether a request is for the page where one chooses who to be. */
export function isInteraction(request: IncomingMessage): boolean {
  return request.url?.startsWith(INTERACTION_PATH) ?? false;
}

/** Shows the page (GET), or signs in whom was chosen and goes on to where oidc-provider wants (POST). */
export async function handleInteraction(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
): Promise<void> {
  try {
    const { params } = await provider.interactionDetails(request, response);
    if (request.method === 'POST') return await signIn(request, response, provider);
    const page = loginPage({ action: request.url ?? '', client: String(params.client_id) });
    response
      .writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'x-frame-options': 'DENY',
      })
      .end(page);
  } catch (error) {
    refuse(response, error);
  }
}

async function signIn(
  request: IncomingMessage,
  response: ServerResponse,
  provider: Provider,
): Promise<void> {
  const form = new URLSearchParams(await bodyOf(request));
  const person = personBySub(form.get('sub') ?? '');
  if (!person) throw new errors.InvalidRequest('choose somebody');
  const login = { accountId: person.sub, ...SIGN_IN };
  await provider.interactionFinished(request, response, { login });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) {
    body += String(chunk);
    if (body.length > BODY_BYTES_MAX) throw new errors.InvalidRequest('the form is too large');
  }
  return body;
}

function refuse(response: ServerResponse, error: unknown): void {
  const expected = error instanceof errors.OIDCProviderError;
  const sentence = expected
    ? `${error.error_description ?? error.message}. Start again from where you wanted to sign in.`
    : 'The identity provider failed.';
  response.writeHead(expected ? error.statusCode : 500, { 'content-type': 'text/plain' });
  response.end(`${sentence}\n`);
}
