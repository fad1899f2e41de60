/**
 * What a page is made of before it is one: elements by name, and text that is never markup. Only these elements and
 * attributes are there to be used, so that no text of anybody's becomes anything else.
 */
export type Leaf = string | Branch;

type Tag =
  | 'a'
  | 'b'
  | 'blockquote'
  | 'button'
  | 'code'
  | 'div'
  | 'em'
  | 'h3'
  | 'input'
  | 'label'
  | 'option'
  | 'p'
  | 'pre'
  | 's'
  | 'select'
  | 'small'
  | 'span'
  | 'textarea'
  | 'time';

type Attribute =
  | 'data-action'
  | 'data-block'
  | 'data-list'
  | 'data-told'
  | 'data-value'
  | 'maxlength'
  | 'name'
  | 'placeholder'
  | 'required'
  | 'rows'
  | 'selected'
  | 'type'
  | 'value';

export interface Branch {
  readonly tag: Tag;
  /** Its class. */
  readonly kind: string;
  readonly children: readonly Leaf[];
  readonly attributes: Readonly<Partial<Record<Attribute, string>>>;
  /** http or https. */
  readonly href: string | null;
}

export function branch(
  tag: Tag,
  children: readonly Leaf[],
  { kind = '', ...attributes }: Branch['attributes'] & { readonly kind?: string } = {},
): Branch {
  return { tag, kind, children, attributes, href: null };
}

/** A link; plain text where the address is none that a browser should open. */
export function link(href: string, children: readonly Leaf[], kind = ''): Branch {
  const parsed = URL.canParse(href) ? new URL(href) : undefined;
  const isWeb = parsed?.protocol === 'https:' || parsed?.protocol === 'http:';
  return isWeb
    ? { tag: 'a', kind, children, attributes: {}, href: parsed.href }
    : branch('span', children, { kind: 'no-link' });
}

/** All text of a tree, in its order. */
export function textIn(leaf: Leaf): string {
  return typeof leaf === 'string' ? leaf : leaf.children.map(textIn).join('');
}
