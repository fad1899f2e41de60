import type { SandboxPerson } from '../identity/people.js';
import type { Message } from './slack.shapes.js';
import type { ShownMessage, ShownView, SlackState, Told } from './slack.state.js';
import type { SlackWorkspace } from './slack.workspace.js';

/** What of a workspace is shown: its channels by name, and the messages that people have by themselves. */
export interface Shown {
  readonly people: readonly SandboxPerson[];
  readonly channels: readonly string[];
  /** Whose direct messages are shown. */
  readonly direct: readonly SandboxPerson[];
}

/** How a workspace looks now. */
export async function snapshot(
  workspace: SlackWorkspace,
  { people, channels, direct }: Shown,
  told: Told | null,
): Promise<SlackState> {
  const messagesIn = async (id: string): Promise<ShownMessage[]> =>
    Promise.all((await workspace.messages(id)).map((one) => shownMessage(workspace, id, one)));
  const places = [
    ...channels.map((title) => ({ id: workspace.id(title), title, person: null })),
    ...(await Promise.all(
      direct.map(async ({ sub, name }) => {
        const title = `Hallpass to ${name}, alone`;
        return { id: await workspace.dm(sub), title, person: sub };
      }),
    )),
  ];
  return {
    told,
    people: people.map(({ sub, name, groups }) => ({
      name: sub,
      title: `${name} (${groups.join(', ')})`,
    })),
    channels: await Promise.all(
      places.map(async (place) => ({ ...place, messages: await messagesIn(place.id) })),
    ),
    views: people.flatMap(({ sub }) => shownView(workspace, sub)),
  };
}

async function shownMessage(
  workspace: SlackWorkspace,
  channel: string,
  message: Message & { readonly alone: string | null },
): Promise<ShownMessage> {
  const { ts, text, blocks, edited, alone } = message;
  const thread = message.reply_count > 0 ? await workspace.thread(channel, ts) : [];
  return {
    ts,
    by: workspace.nameOf(message.user) === 'hallpass' ? 'Hallpass' : workspace.nameOf(message.user),
    text,
    blocks,
    isEdited: edited !== undefined,
    onlyFor: alone === null ? null : workspace.nameOf(alone),
    thread: await Promise.all(
      thread.map((reply) =>
        shownMessage(workspace, channel, { ...reply, reply_count: 0, alone: null }),
      ),
    ),
  };
}

function shownView(workspace: SlackWorkspace, person: string): ShownView[] {
  const open = workspace.view(workspace.id(person));
  if (!open) return [];
  const { title, submit, close, blocks } = open.view;
  return [
    {
      person,
      revision: open.revision,
      id: open.id,
      title: title?.text ?? '',
      submit: submit?.text ?? null,
      close: close?.text ?? 'Close',
      blocks,
      errors: open.errors,
    },
  ];
}
