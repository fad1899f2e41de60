import { EmailChannel } from './adapters/notify/email.channel.js';
import { PagerDutyChannel } from './adapters/notify/pagerduty.channel.js';
import { TeamsChannel } from './adapters/notify/teams.channel.js';
import { WebhookChannel } from './adapters/notify/webhook.channel.js';
import type { Channel } from './app/ports/channel.js';
import type { ChannelConfig } from './config/notifications.section.js';

/** The channel that the configuration describes. */
export function channelOf(config: ChannelConfig): Channel {
  switch (config.kind) {
    case 'webhook':
      return new WebhookChannel(config);
    case 'teams':
      return new TeamsChannel(config);
    case 'email':
      return new EmailChannel(config);
    case 'pagerduty':
      return new PagerDutyChannel(config);
  }
}
