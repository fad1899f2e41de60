import { Command } from 'commander';
import { SlackLinkList, SlackLinkView } from '../../contract/slack-link.schema.js';
import type { ClientOptions, CommandDeps, Running } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { timeText } from './person.time.js';
import { table } from './styled.text.js';

const PATH = '/v1/me/slack-links';

/** `hallpass slack …`: the Slack accounts that speak for oneself. */
export function slackCommands(deps: CommandDeps): Command {
  const slack = new Command('slack').description(
    'tie Slack accounts to yourself, list them, and end that',
  );
  clientCommand(slack.command('link'))
    .description('let a Slack account of yours speak for you')
    .argument('<link>', 'the link that Hallpass offered to that account in Slack, or its code')
    .action(acting<ClientOptions, [string]>(deps, runLink));
  clientCommand(slack.command('list'))
    .description('the Slack accounts that speak for you')
    .action(acting<ClientOptions, []>(deps, runList));
  clientCommand(slack.command('unlink'))
    .description('let a Slack account not speak for you any more')
    .argument('<id>', 'the link, as hallpass slack list shows it')
    .action(acting<ClientOptions, [string]>(deps, runUnlink));
  return slack;
}

async function runLink(running: Running, link: string): Promise<number> {
  const code = URL.canParse(link) ? (new URL(link).searchParams.get('code') ?? '') : link;
  const broker = await running.broker();
  const call = { method: 'POST', body: { code } } as const;
  const { value, raw } = await broker.call(PATH, SlackLinkView, call);
  await running.show(raw, () => [`${nameOf(value)} speaks for you now: go back to Slack.`]);
  return EXIT.ok;
}

async function runList(running: Running): Promise<number> {
  const { value, raw } = await (await running.broker()).call(PATH, SlackLinkList);
  await running.show(raw, () =>
    value.items.length === 0
      ? ['No Slack account speaks for you.']
      : table(
          ['LINK', 'WORKSPACE', 'ACCOUNT', 'NAME', 'SINCE'],
          value.items.map(({ id, team, user, name, linkedAt }) => [
            id,
            team,
            user,
            name,
            timeText(linkedAt, running.moment),
          ]),
        ),
  );
  return EXIT.ok;
}

async function runUnlink(running: Running, id: string): Promise<number> {
  const broker = await running.broker();
  const path = `${PATH}/${encodeURIComponent(id)}`;
  const { value, raw } = await broker.call(path, SlackLinkView, { method: 'DELETE' });
  await running.show(raw, () => [`${nameOf(value)} does not speak for you any more.`]);
  return EXIT.ok;
}

function nameOf({ name, user, team }: SlackLinkView): string {
  return `${name} (${user} in ${team})`;
}
