import { Command } from 'commander';
import type { ChannelView } from '../../contract/channel.schema.js';
import { ChannelList, ChannelTest } from '../../contract/channel.schema.js';
import type { ClientOptions, CommandDeps } from './client.command.js';
import { acting, clientCommand } from './client.command.js';
import { EXIT } from './exit.codes.js';
import { table } from './styled.text.js';

const OUTCOMES: Readonly<Record<ChannelTest['outcome'], string>> = {
  taken: 'It was taken.',
  refused: 'It was refused',
  gone: 'The channel is gone',
  away: 'It could not be told',
};

/** `hallpass channels list` and `hallpass channels test`. */
export function channelCommands(deps: CommandDeps): Command {
  const channels = new Command('channels').description('the channels that people are told by');
  clientCommand(channels.command('list'))
    .description('how they are, and what waits for them')
    .action(
      acting<ClientOptions, []>(deps, async (running) => {
        const { value, raw } = await (await running.broker()).call('/v1/channels', ChannelList);
        await running.show(raw, () => {
          const head = ['NAME', 'KIND', 'STATE', 'WAITING', 'DEAD', 'LAST ERROR'];
          return table(head, value.items.map(row));
        });
        return EXIT.ok;
      }),
    );
  clientCommand(channels.command('test'))
    .description('tell a channel that this is a test, and say what became of it')
    .argument('<name>', 'the channel')
    .action(
      acting<ClientOptions, [string]>(deps, async (running, name) => {
        const path = `/v1/channels/${encodeURIComponent(name)}/test`;
        const broker = await running.broker();
        const { value, raw } = await broker.call(path, ChannelTest, { method: 'POST', body: {} });
        const { outcome, detail } = value;
        await running.show(raw, () => [
          detail === null ? OUTCOMES[outcome] : `${OUTCOMES[outcome]}: ${detail}.`,
        ]);
        return outcome === 'taken' ? EXIT.ok : EXIT.trouble;
      }),
    );
  return channels;
}

function row({ name, kind, state, waiting, dead, lastError }: ChannelView): string[] {
  return [name, kind, state, `${waiting}`, `${dead}`, lastError ?? '-'];
}
