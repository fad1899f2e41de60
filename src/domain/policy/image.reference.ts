/** What an image is called (distribution/reference): where it is, and which one of those there. */
interface ImageReference {
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** The parts of an image's name, with what Docker leaves out filled in: `busybox` is `docker.io/library/busybox`. */
function parse(image: string): ImageReference {
  const [named = '', digest] = image.split('@');
  // A colon before the last slash is a port's.
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  const name = hasTag ? named.slice(0, colon) : named;
  return {
    repository: withRegistry(name),
    tag: hasTag ? named.slice(colon + 1) : undefined,
    digest,
  };
}

function withRegistry(name: string): string {
  const [first = '', ...rest] = name.split('/');
  if (rest.length === 0) return `docker.io/library/${name}`;
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return isHost ? name.replace(/^index\.docker\.io\//, 'docker.io/') : `docker.io/${name}`;
}

/**
 * Whether who asks for image `asked` gets what they asked for with image `offered`: the same repository, and the tag and
 * the digest that they named, where they named some. A tag cannot be told from a digest alone, so such are not the same.
 */
export function isImage(asked: string, offered: string): boolean {
  const [want, have] = [parse(asked), parse(offered)];
  return (
    want.repository === have.repository &&
    (want.tag === undefined || want.tag === have.tag) &&
    (want.digest === undefined || want.digest === have.digest)
  );
}
