import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import type { Caller } from '../../app/caller.js';
import { slackLinkView } from '../../app/views/slack-link.view.js';
import { NewSlackLink, SlackLinkList, SlackLinkView } from '../../contract/slack-link.schema.js';
import { problem } from '../../domain/problem.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { PageDoor } from './pages/page.door.js';
import { orRefuse, Refused } from './refused.error.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The Slack accounts that speak for the caller. */
@Controller('v1/me/slack-links')
export class SlackLinksController {
  constructor(private readonly door: PageDoor) {}

  @Get()
  @Allow('signed-in')
  @Operation({
    id: 'listSlackLinks',
    tag: 'catalog',
    summary: 'The Slack accounts that speak for the caller',
    status: 200,
    answers: SlackLinkList,
    problems: ['not-found'],
  })
  async list(@CurrentCaller() caller: Caller): Promise<SlackLinkList> {
    const links = await this.door.linkSlack.list(caller);
    return { items: links.map(slackLinkView) };
  }

  @Post()
  @HttpCode(201)
  @Allow('signed-in')
  @Operation({
    id: 'tieSlackAccount',
    tag: 'catalog',
    summary: 'Let a Slack account speak for the caller',
    description:
      'By the code in the link that Hallpass offered to that account, in Slack. It is good once, for ten minutes.',
    status: 201,
    answers: SlackLinkView,
    problems: [
      'unsupported-media-type',
      'invalid-fields',
      'not-found',
      'invalid-link-code',
      'already-linked',
    ],
  })
  async tie(
    @CurrentCaller() caller: Caller,
    @Body({ schema: NewSlackLink }) { code }: z.infer<typeof NewSlackLink>,
  ): Promise<SlackLinkView> {
    return slackLinkView(orRefuse(await this.door.linkSlack.redeem(caller, code)));
  }

  @Delete(':id')
  @Allow('signed-in')
  @Operation({
    id: 'endSlackLink',
    tag: 'catalog',
    summary: 'Let a Slack account not speak for the caller any more',
    status: 200,
    answers: SlackLinkView,
    problems: ['not-found'],
  })
  async end(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<SlackLinkView> {
    if (!UUID.test(id)) {
      throw new Refused(problem('not-found', 'No Slack account of yours is tied by that id.'));
    }
    return slackLinkView(orRefuse(await this.door.linkSlack.unlink(caller, id)));
  }
}
