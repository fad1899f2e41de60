import { timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Injectable } from '@nestjs/common';
import type { Caller } from '../../../app/caller.js';
import { inTrace } from '../../../app/caller.js';
import type { LinkSlack } from '../../../app/link-slack.js';
import type { VisitByBrowser } from '../../../app/visit-by-browser.js';
import type { Permission } from '../../../domain/permission.js';
import { permits } from '../../../domain/permission.js';
import { problem } from '../../../domain/problem.js';
import { formTokenOf } from '../../../domain/web-session.js';
import { addressOf } from '../caller.address.js';
import { HttpSettings } from '../http.settings.js';
import { Refused } from '../refused.error.js';
import { traceparentOf } from '../request.traces.js';
import { Cookies } from './cookies.js';

/** What pages are made of; null where the configuration has none of it. */
export class PageParts {
  constructor(
    readonly visits: VisitByBrowser | null,
    readonly linkSlack: LinkSlack | null,
  ) {}
}

/** Carries "not signed in" out of the guard: the browser is sent to sign in, and back. */
export class SignInFirst extends Error {
  override readonly name = 'SignInFirst';

  constructor(readonly next: string) {
    super('a page was asked for by a browser that is not signed in');
  }
}

/** A request for a page, whose browser is signed in. */
export interface VisitedRequest extends FastifyRequest {
  caller?: Caller;
  formToken?: string;
}

/** The page that a form was on: nothing is sent again by itself once its person has signed in. */
function pageOf(url: string): string {
  return /^\/sessions\/[\w-]+(?=\/)/.exec(url)?.[0] ?? '/me';
}

const Form = z.object({ form: z.string() });

/** Lets browsers in by their cookie, to pages and to nothing else. */
@Injectable()
export class PageDoor {
  readonly cookies: Cookies;

  constructor(
    private readonly parts: PageParts,
    private readonly settings: HttpSettings,
  ) {
    this.cookies = new Cookies(settings);
  }

  /** People who come by a browser. @throws Refused where none can sign in. */
  get visits(): VisitByBrowser {
    if (this.parts.visits) return this.parts.visits;
    throw new Refused(
      problem('not-found', 'Nobody can sign in here by a browser: it is not configured.'),
    );
  }

  get hasSlack(): boolean {
    return this.parts.linkSlack !== null;
  }

  /** @throws Refused where Slack is not configured. */
  get linkSlack(): LinkSlack {
    if (this.parts.linkSlack) return this.parts.linkSlack;
    throw new Refused(problem('not-found', 'Slack is not configured.'));
  }

  /**
   * Lets a request in whose browser is signed in as somebody who has the permission. What changes anything carries the
   * token of that browser's forms, and comes from no other site.
   *
   * @throws SignInFirst, Refused
   */
  async admit(request: VisitedRequest, permission: Permission | null): Promise<void> {
    const key = this.cookies.key(request);
    const address = addressOf(request);
    const from = { requestId: request.id, ...(address === undefined ? {} : { address }) };
    const caller = key === undefined ? undefined : await this.visits.callerOf(key, from);
    const isRead = request.method === 'GET';
    if (key === undefined || !caller)
      throw new SignInFirst(isRead ? request.url : pageOf(request.url));
    const formToken = formTokenOf(key);
    if (!isRead && !this.isOwnForm(request, formToken)) {
      throw new Refused(
        problem('forbidden', 'This did not come from a page of Hallpass: load the page again.'),
      );
    }
    if (permission !== null && !permits(caller.roles, permission)) {
      throw new Refused(problem('forbidden', `This needs the permission "${permission}".`));
    }
    request.caller = inTrace(caller, traceparentOf(request.raw));
    request.formToken = formToken;
  }

  private isOwnForm({ headers, body }: FastifyRequest, formToken: string): boolean {
    const { origin } = headers;
    // `null` is what browsers say where the page's referrer policy forbids more.
    if (origin !== undefined && origin !== 'null' && origin !== this.origin) return false;
    const site = headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin') return false;
    const form = Form.safeParse(body).data?.form ?? '';
    const [given, own] = [Buffer.from(form), Buffer.from(formToken)];
    return given.length === own.length && timingSafeEqual(given, own);
  }

  private get origin(): string {
    return new URL(this.settings.publicUrl).origin;
  }
}
