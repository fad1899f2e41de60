import { Controller, Get, HttpCode, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../../../app/caller.js';
import { personOf } from '../../../app/caller.js';
import { displayName } from '../../../domain/person.js';
import { problem } from '../../../domain/problem.js';
import { ByPage, Public } from '../access.decorators.js';
import { CurrentCaller } from '../caller.decorator.js';
import { Refused, orRefuse } from '../refused.error.js';
import { markup } from '../../../app/views/html.text.js';
import { ownPath } from './own.path.js';
import { PageDoor } from './page.door.js';
import { PageFilter } from './page.filter.js';
import { showPage } from './page.js';

/** Signing in and out by a browser. What an issuer is asked, and what it answers, is not cached by anybody. */
@Controller()
@ApiExcludeController()
@UseFilters(PageFilter)
export class SignInPages {
  constructor(private readonly door: PageDoor) {}

  @Get('sign-in')
  @Public()
  async begin(
    @Query('next') next: unknown,
    @Query('issuer') issuer: unknown,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { visits, cookies } = this.door;
    const chosen = visits.issuers.length === 1 ? visits.issuers[0] : issuer;
    const after = ownPath(next);
    if (typeof chosen !== 'string') return this.choose(reply, after);
    const { page, underWay } = orRefuse(await visits.begin(chosen));
    cookies.keepUnderWay(reply, { ...underWay, next: after });
    void reply.status(303).header('location', page.href).send();
  }

  @Get('sign-in/callback')
  @Public()
  async finish(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { visits, cookies } = this.door;
    const underWay = cookies.underWay(request);
    // Whatever comes of it: what was begun is finished once.
    cookies.forget(reply, 'signing-in');
    if (!underWay) {
      throw new Refused(
        problem('unauthenticated', 'No sign-in is under way in this browser: begin again.'),
      );
    }
    const query = request.url.split('?').slice(1).join('?');
    const { key, expiresAt } = orRefuse(await visits.finish(underWay, query));
    const before = cookies.key(request);
    if (before !== undefined) await visits.leave(before);
    cookies.keepKey(reply, key, (expiresAt.getTime() - Date.now()) / 1000);
    void reply.status(303).header('location', ownPath(underWay.next)).send();
  }

  @Post('sign-out')
  @HttpCode(200)
  @ByPage(null)
  async leave(
    @CurrentCaller() caller: Caller,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { visits, cookies } = this.door;
    await visits.leave(cookies.key(request) ?? '');
    cookies.forget(reply, 'session');
    const name = displayName(personOf(caller));
    showPage(reply, {
      title: 'Signed out',
      body: markup`<p>
        <bdi>${name}</bdi> is signed out of Hallpass, in this browser. At your identity provider you
        may still be signed in.
      </p>`,
    });
  }

  private choose(reply: FastifyReply, next: string): void {
    const address = (issuer: string) =>
      `/sign-in?issuer=${encodeURIComponent(issuer)}&next=${encodeURIComponent(next)}`;
    const items = this.door.visits.issuers.map(
      (issuer) => markup`<li><a href="${address(issuer)}">${issuer}</a></li>`,
    );
    showPage(reply, {
      title: 'Sign in',
      body: markup`<p>Where are you known?</p>
        <ul>
          ${items}
        </ul>`,
    });
  }
}
