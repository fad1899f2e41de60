import type { Option } from '../slack.shapes.js';
import type { ShownView } from '../slack.state.js';
import type { PageDocument, PageElement } from './dom.js';
import { elementsOf } from './dom.js';
import { formTree } from './form.tree.js';
import { branch } from './tree.js';

/** What the form asks of whoever shows it. */
export interface ModalUse {
  submit(filled: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
  suggest(block: string, typed: string): Promise<readonly Option[]>;
  /** A field was left that the broker is told of at once. */
  leave(block: string, filled: Readonly<Record<string, string>>): Promise<void>;
}

/** The form that the chosen person sees. While it is the same one, what was typed into it stays. */
export class ModalView {
  private shown = '';
  private id = '';
  private focused = '';

  constructor(
    private readonly document: PageDocument,
    private readonly element: PageElement,
    private readonly use: ModalUse,
  ) {
    element.addEventListener('submit', (event) => {
      event.preventDefault();
      void use.submit(this.filled());
    });
    element.addEventListener('click', ({ target }) => this.clicked(target));
    element.addEventListener('change', ({ target }) => {
      if (target.dataset['told'] !== undefined) void use.leave(target.name, this.filled());
    });
    element.addEventListener('focusin', ({ target }) => {
      const { block } = target.dataset;
      this.focused =
        block === undefined ? `[name="${target.name}"]` : `input[data-block="${block}"]`;
    });
    for (const event of ['input', 'focusin']) {
      element.addEventListener(event, ({ target }) => {
        const { block, action } = target.dataset;
        if (block !== undefined && action === undefined) {
          void this.search(target, event === 'input');
        }
      });
    }
  }

  show(view: ShownView | undefined): void {
    const key = view ? `${view.person} ${view.id} ${view.revision}` : '';
    if (key === this.shown) return;
    const isSame = view !== undefined && `${view.person} ${view.id}` === this.id;
    this.id = view ? `${view.person} ${view.id}` : '';
    // What is wrong is shown beside what was typed.
    const isKept = view !== undefined && Object.keys(view.errors).length > 0;
    const kept = isKept ? this.filled() : {};
    const searched = isKept ? this.searched() : {};
    this.shown = key;
    this.element.hidden = view === undefined;
    this.element.replaceChildren(...elementsOf(this.document, view ? formTree(view) : []));
    for (const field of this.element.querySelectorAll('[name]')) {
      const value = kept[field.name];
      if (value === undefined) continue;
      if (field.type === 'checkbox') field.checked = value === field.value;
      else field.value = value;
    }
    for (const field of this.element.querySelectorAll('input[data-block]')) {
      field.value = searched[field.dataset['block'] ?? ''] ?? field.value;
    }
    // Whoever went on to the next field while the form was changed is there still.
    if (isSame && this.focused !== '') this.element.querySelector(this.focused)?.focus();
  }

  private searched(): Record<string, string> {
    const typed: Record<string, string> = {};
    for (const { dataset, value } of this.element.querySelectorAll('input[data-block]')) {
      typed[dataset['block'] ?? ''] = value;
    }
    return typed;
  }

  private filled(): Record<string, string> {
    const filled: Record<string, string> = {};
    for (const { name, type, value, checked } of this.element.querySelectorAll('[name]')) {
      filled[name] = type === 'checkbox' && !checked ? '' : value;
    }
    return filled;
  }

  private async search(field: PageElement, isTyped: boolean): Promise<void> {
    const block = field.dataset['block'] ?? '';
    const chosen = this.named(block);
    if (isTyped && chosen) chosen.value = '';
    const typed = isTyped ? field.value : '';
    const options = await this.use.suggest(block, typed);
    const list = this.element.querySelector(`[data-list="${block}"]`);
    list?.replaceChildren(
      ...elementsOf(
        this.document,
        options.map(({ text, value }) =>
          branch('button', [text.text], {
            kind: 'choice',
            type: 'button',
            'data-action': 'choose',
            'data-block': block,
            'data-value': value,
          }),
        ),
      ),
    );
  }

  private clicked(target: PageElement): void {
    const { action, block = '', value = '' } = target.dataset;
    if (action === 'close') void this.use.close();
    if (action !== 'choose') return;
    const [chosen, field] = [
      this.named(block),
      this.element.querySelector(`input[data-block="${block}"]`),
    ];
    if (!chosen || !field) return;
    chosen.value = value;
    field.value = target.textContent;
    this.element.querySelector(`[data-list="${block}"]`)?.replaceChildren();
  }

  private named(block: string): PageElement | null {
    return this.element.querySelector(`[name="${block}"]`);
  }
}
