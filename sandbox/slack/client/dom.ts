import type { Leaf } from './tree.js';

/** As much of a browser as the page uses. */
export interface PageElement {
  className: string;
  readonly dataset: Record<string, string | undefined>;
  hidden: boolean;
  disabled: boolean;
  checked: boolean;
  value: string;
  readonly name: string;
  readonly type: string;
  rel: string;
  target: string;
  textContent: string;
  scrollTop: number;
  readonly scrollHeight: number;
  append(...children: readonly (PageElement | string)[]): void;
  replaceChildren(...children: readonly (PageElement | string)[]): void;
  setAttribute(name: string, value: string): void;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  closest(selector: string): PageElement | null;
  addEventListener(event: string, listener: (event: PageEvent) => void): void;
  focus(): void;
}

export interface PageEvent {
  readonly target: PageElement;
  readonly key?: string;
  preventDefault(): void;
}

export interface PageDocument {
  createElement(tag: string): PageElement;
  getElementById(id: string): PageElement | null;
  addEventListener(event: string, listener: (event: PageEvent) => void): void;
}

/** A tree as elements. Text is set as text: nothing here reads markup. */
export function elementsOf(
  document: PageDocument,
  leaves: readonly Leaf[],
): (PageElement | string)[] {
  return leaves.map((leaf) => {
    if (typeof leaf === 'string') return leaf;
    const element = document.createElement(leaf.tag);
    if (leaf.kind !== '') element.className = leaf.kind;
    for (const [name, value] of Object.entries(leaf.attributes)) element.setAttribute(name, value);
    if (leaf.href !== null) {
      element.setAttribute('href', leaf.href);
      element.target = '_blank';
      element.rel = 'noopener noreferrer';
    }
    element.append(...elementsOf(document, leaf.children));
    return element;
  });
}
