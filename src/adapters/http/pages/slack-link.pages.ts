import { Body, Controller, Get, HttpCode, Post, Query, Req, Res, UseFilters } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Caller } from '../../../app/caller.js';
import { personOf } from '../../../app/caller.js';
import { permits } from '../../../domain/permission.js';
import { displayName } from '../../../domain/person.js';
import { ByPage } from '../access.decorators.js';
import { CurrentCaller } from '../caller.decorator.js';
import { orRefuse } from '../refused.error.js';
import type { Html } from '../../../app/views/html.text.js';
import { markup } from '../../../app/views/html.text.js';
import type { VisitedRequest } from './page.door.js';
import { PageDoor } from './page.door.js';
import { PageFilter } from './page.filter.js';
import { formToken, showPage } from './page.js';
import { visitorOf } from './visitor.js';

const Code = z.object({ code: z.string().max(100).catch('') }).catch({ code: '' });
const Ended = z.object({ id: z.uuid().catch('') }).catch({ id: '' });

/** Tying a Slack account to oneself, seeing what is tied, and ending it. */
@Controller()
@ApiExcludeController()
@UseFilters(PageFilter)
export class SlackLinkPages {
  constructor(private readonly door: PageDoor) {}

  @Get('link/slack')
  @ByPage(null)
  async ask(
    @CurrentCaller() caller: Caller,
    @Query() query: unknown,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { code } = Code.parse(query);
    const offered = orRefuse(await this.door.linkSlack.offered(code));
    const visitor = visitorOf(request);
    const { iss, sub } = personOf(caller);
    showPage(reply, {
      title: 'Tie your Slack account',
      visitor,
      body: markup` <p>
          From then on, whoever uses this Slack account asks and consents in Hallpass as you.
        </p>
        <dl>
          <dt>Slack account</dt>
          <dd><bdi>${offered.name}</bdi></dd>
          <dt>Its id</dt>
          <dd><code>${offered.userId}</code> in the workspace <code>${offered.teamId}</code></dd>
          <dt>You</dt>
          <dd><bdi>${visitor.name}</bdi></dd>
          <dt>As</dt>
          <dd><code>${sub}</code> of <code>${iss}</code></dd>
        </dl>
        <p class="warning">
          Go on only if you asked for this in Slack yourself, a moment ago, as that account. If
          somebody sent you this link, close the page: they would act as you.
        </p>
        <form method="post" action="/link/slack">
          ${formToken(visitor.formToken)}<input type="hidden" name="code" value="${code}" />
          <button>This Slack account is mine: tie it</button>
        </form>`,
    });
  }

  @Post('link/slack')
  @HttpCode(200)
  @ByPage(null)
  async tie(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const link = orRefuse(await this.door.linkSlack.redeem(caller, Code.parse(body).code));
    showPage(reply, {
      title: 'Your Slack account is tied',
      visitor: visitorOf(request),
      body: markup`<p>
        Hallpass takes <bdi>${link.name}</bdi> (<code>${link.userId}</code>) for
        <bdi>${displayName(personOf(caller))}</bdi> now: go back to Slack. You can end that at
        <a href="/me">your page</a>.
      </p>`,
    });
  }

  @Post('link/slack/end')
  @HttpCode(200)
  @ByPage(null)
  async end(
    @CurrentCaller() caller: Caller,
    @Body() body: unknown,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const link = orRefuse(await this.door.linkSlack.unlink(caller, Ended.parse(body).id));
    showPage(reply, {
      title: 'Your Slack account is not tied any more',
      visitor: visitorOf(request),
      body: markup`<p>
        <bdi>${link.name}</bdi> (<code>${link.userId}</code>) does not speak for you any more.
      </p>`,
    });
  }

  @Get('me')
  @ByPage(null)
  async me(
    @CurrentCaller() caller: Caller,
    @Req() request: VisitedRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { iss, sub, groups } = personOf(caller);
    const visitor = visitorOf(request);
    showPage(reply, {
      title: 'You',
      visitor,
      body: markup` <dl>
          <dt>Name</dt>
          <dd><bdi>${visitor.name}</bdi></dd>
          <dt>As</dt>
          <dd><code>${sub}</code> of <code>${iss}</code></dd>
          <dt>Groups</dt>
          <dd>${groups.join(', ') || 'none'}</dd>
          <dt>Roles</dt>
          <dd>${caller.roles.join(', ') || 'none'}</dd>
        </dl>
        ${permits(caller.roles, 'cluster:read') && markup`<p><a href="/clusters">Clusters</a></p>`}
        ${await this.linksOf(caller, visitor.formToken)}`,
    });
  }

  private async linksOf(caller: Caller, token: string): Promise<Html | null> {
    if (!this.door.hasSlack) return null;
    const links = await this.door.linkSlack.list(caller);
    const items = links.map(
      ({ id, name, userId }) =>
        markup` <form method="post" action="/link/slack/end">
          <bdi>${name}</bdi> (<code>${userId}</code>) ${formToken(token)}<input
            type="hidden"
            name="id"
            value="${id}"
          />
          <button>End it</button>
        </form>`,
    );
    return markup`<h2>Slack accounts that speak for you</h2>
      ${items}${items.length === 0 && markup`<p>None.</p>`}`;
  }
}
