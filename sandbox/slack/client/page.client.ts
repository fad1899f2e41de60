import type { Option } from '../slack.shapes.js';
import type { SlackState } from '../slack.state.js';
import { ChannelView } from './channel.view.js';
import type { PageDocument, PageElement } from './dom.js';
import { ModalView } from './modal.view.js';

declare const document: PageDocument;

const found = (id: string): PageElement => {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}`);
  return element;
};

const channels = found('channels');
const chosen = found('as');
const told = found('told');
const complaint = found('complaint');
const views = new Map<string, ChannelView>();
let state: SlackState | undefined;
let step = -1;

/** Does something as somebody. What went wrong is said at the top of the page. */
async function post(path: string, body: object): Promise<unknown> {
  complaint.textContent = '';
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ as: chosen.value, ...body }),
  });
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  complaint.textContent = text;
  return undefined;
}

const modal = new ModalView(document, found('modal'), {
  submit: async (filled) => {
    await post('/submit', { filled });
  },
  close: async () => {
    await post('/close', {});
  },
  suggest: async (block, typed) => {
    const options = await post('/suggest', { block, typed });
    return (options as readonly Option[] | undefined) ?? [];
  },
  leave: async (block, filled) => {
    await post('/leave', { block, filled });
  },
});

function show(): void {
  if (!state) return;
  for (const channel of state.channels) {
    let view = views.get(channel.id);
    if (!view) {
      view = new ChannelView(document, channel);
      views.set(channel.id, view);
      channels.append(view.element);
    }
    view.show(channel);
  }
  if (state.told && state.told.step !== step) {
    step = state.told.step;
    told.textContent = state.told.sentence;
    if (state.told.by !== null) chosen.value = state.told.by;
  }
  found('backdrop').hidden = !state.views.some(({ person }) => person === chosen.value);
  modal.show(state.views.find(({ person }) => person === chosen.value));
}

function choosePeople({ people }: SlackState): void {
  chosen.replaceChildren(
    ...people.map(({ name, title }) => {
      const option = document.createElement('option');
      option.value = name;
      option.textContent = title;
      return option;
    }),
  );
}

chosen.addEventListener('change', show);

found('debug').addEventListener('submit', (event) => {
  event.preventDefault();
  const typed = found('typed');
  const text = typed.value.replace(/^\s*\/debug\b/, '').trim();
  typed.value = '';
  void post('/command', { text });
});

channels.addEventListener('click', ({ target }) => {
  const button = target.closest('[data-action]');
  const list = button?.closest('[data-channel]');
  const message = button?.closest('[data-ts]');
  if (!button || !list || !message) return;
  button.disabled = true;
  const { action, value = '' } = button.dataset;
  // What is written to one person alone is pressed by nobody else.
  const { channel, person = chosen.value } = list.dataset;
  chosen.value = person;
  const pressed = { as: person, channel, ts: message.dataset['ts'], action, value };
  void post('/press', pressed).finally(() => {
    button.disabled = false;
  });
});

const changes = new EventSource('/changes');
changes.addEventListener('message', ({ data }) => {
  const isFirst = state === undefined;
  // By the page's own server: what people wrote in it is text, and shown as such.
  state = JSON.parse(String(data)) as SlackState;
  if (isFirst) choosePeople(state);
  found('gone').hidden = true;
  show();
});
changes.addEventListener('error', () => {
  found('gone').hidden = false;
});
