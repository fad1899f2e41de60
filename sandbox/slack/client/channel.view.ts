import type { ShownChannel } from '../slack.state.js';
import type { PageDocument, PageElement } from './dom.js';
import { elementsOf } from './dom.js';
import { messageTree } from './message.tree.js';

/** A channel on the page. What did not change is left as it is; what did lights up. */
export class ChannelView {
  readonly element: PageElement;
  private readonly list: PageElement;
  private readonly shown = new Map<string, { readonly json: string; element: PageElement }>();

  constructor(
    private readonly document: PageDocument,
    { id, title, person }: ShownChannel,
  ) {
    this.element = document.createElement('section');
    this.element.className = person === null ? 'channel' : 'channel direct';
    this.element.setAttribute('aria-label', title);
    const heading = document.createElement('h2');
    heading.textContent = title;
    this.list = document.createElement('div');
    this.list.className = 'messages';
    this.list.dataset['channel'] = id;
    if (person !== null) this.list.dataset['person'] = person;
    this.element.append(heading, this.list);
  }

  show({ messages }: ShownChannel): void {
    const isFirst = this.shown.size === 0;
    let isNews = false;
    const elements = messages.map((message) => {
      const json = JSON.stringify(message);
      const before = this.shown.get(message.ts);
      if (before?.json === json) return before.element;
      const element = this.document.createElement('article');
      element.className = isFirst ? 'message' : 'message changed';
      element.dataset['ts'] = message.ts;
      element.append(...elementsOf(this.document, messageTree(message)));
      this.shown.set(message.ts, { json, element });
      isNews = true;
      return element;
    });
    if (!isNews && elements.length > 0) return;
    if (elements.length === 0) {
      const nothing = this.document.createElement('p');
      nothing.className = 'nothing';
      nothing.textContent = 'Nothing yet.';
      elements.push(nothing);
    }
    this.list.replaceChildren(...elements);
    this.list.scrollTop = this.list.scrollHeight;
  }
}
