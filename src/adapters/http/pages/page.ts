import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Html } from '../../../app/views/html.text.js';
import { Html as Raw, markup } from '../../../app/views/html.text.js';

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 46rem; padding: 1rem; }
header { border-bottom: 1px solid; margin-bottom: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
form { margin: 1rem 0; } label { display: block; } textarea { box-sizing: border-box; width: 100%; }
button { font: inherit; margin: .5rem .5rem 0 0; padding: .4rem 1rem; }
code, pre { overflow-wrap: anywhere; white-space: pre-wrap; }
.warning { border-left: .3rem solid #c60; padding-left: .7rem; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** No scripts, nothing from elsewhere, no frame around it; forms go to the broker alone. */
const PAGE_POLICY =
  `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; ` +
  "frame-ancestors 'none'; base-uri 'none'";

export interface Page {
  readonly status?: number;
  readonly title: string;
  readonly body: Html;
  /** Who is signed in, and the token of the form by which they sign out. */
  readonly visitor?: { readonly name: string; readonly formToken: string };
}

/** Answers with a whole page. */
export function showPage(reply: FastifyReply, page: Page): void {
  void reply
    .status(page.status ?? 200)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': PAGE_POLICY,
    })
    .send(document(page).text);
}

function document({ title, body, visitor }: Page): Html {
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} - Hallpass</title>
        <style>${new Raw(STYLE)}</style>
      </head>
      <body>
        <header>
          <p>Hallpass${visitor && markup`: signed in as <bdi>${visitor.name}</bdi>`}</p>
        </header>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        ${
          visitor &&
          markup`<footer>
            <form method="post" action="/sign-out">
              ${formToken(visitor.formToken)}<button>Sign out</button>
            </form>
          </footer>`
        }
      </body>
    </html> `;
}

/** What every form carries. */
export function formToken(token: string): Html {
  return markup`<input type="hidden" name="form" value="${token}" />`;
}
