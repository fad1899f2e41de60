import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Caller } from '../../app/caller.js';
import { ReadChannels } from '../../app/read-channels.js';
import { TestChannel } from '../../app/test-channel.js';
import { ChannelList, ChannelTest } from '../../contract/channel.schema.js';
import { isProblem } from '../../domain/problem.js';
import { Allow } from './access.decorators.js';
import { CurrentCaller } from './caller.decorator.js';
import { Operation } from './operation.decorator.js';
import { Refused } from './refused.error.js';

/** The channels that people are told by. */
@Controller('v1/channels')
export class ChannelsController {
  constructor(
    private readonly reading: ReadChannels,
    private readonly testing: TestChannel,
  ) {}

  @Get()
  @Allow('channel:read')
  @Operation({
    id: 'listChannels',
    tag: 'channels',
    summary: 'How the channels are that people are told by',
    status: 200,
    answers: ChannelList,
    problems: [],
  })
  async list(): Promise<ChannelList> {
    return { items: await this.reading.read() };
  }

  @Post(':name/test')
  @HttpCode(200)
  @Allow('channel:test')
  @Operation({
    id: 'testChannel',
    tag: 'channels',
    summary: 'Tell a channel that this is a test, and say what became of it',
    description: 'At once, past what waits for it, and once: it is not tried again.',
    status: 200,
    answers: ChannelTest,
    problems: ['not-found'],
  })
  async test(@CurrentCaller() caller: Caller, @Param('name') name: string): Promise<ChannelTest> {
    const tested = await this.testing.test(caller, name);
    if (isProblem(tested)) throw new Refused(tested);
    return tested;
  }
}
