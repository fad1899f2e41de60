import type { AccessReview } from './access.review.js';
import { badRequest, type Refusal } from './status.objects.js';

export function isProtobuf(contentType: string): boolean {
  return contentType.startsWith('application/vnd.kubernetes.protobuf');
}

/**
 * A SelfSubjectAccessReview in Kubernetes' protobuf: magic `k8s\0`, runtime.Unknown (raw = 2), the review (spec = 2), its
 * attributes. The only protobuf the stand-in reads, because `kubectl auth can-i` writes nothing else.
 */
export function decodeAccessReview(body: Buffer): AccessReview | Refusal {
  if (!body.subarray(0, 4).equals(Buffer.from('k8s\0'))) {
    return badRequest(
      'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]',
    );
  }
  const raw = fields(body.subarray(4)).get(2);
  const spec = raw === undefined ? undefined : fields(raw).get(2);
  if (spec === undefined) return badRequest('not a SelfSubjectAccessReview');
  const on = fields(spec).get(1);
  const path = fields(spec).get(2);
  return {
    spec: {
      ...(on ? { resourceAttributes: texts(on, resourceFields) } : {}),
      ...(path ? { nonResourceAttributes: texts(path, ['path', 'verb']) } : {}),
    },
  };
}

const resourceFields = [
  'namespace',
  'verb',
  'group',
  'version',
  'resource',
  'subresource',
  'name',
] as const;

function texts(message: Buffer, names: readonly string[]): Record<string, string> {
  const found = fields(message);
  return Object.fromEntries(
    names.flatMap((name, i) => {
      const value = found.get(i + 1)?.toString('utf8') ?? '';
      return value === '' ? [] : [[name, value]];
    }),
  );
}

/** The length-delimited fields of a message, by number; others are skipped. */
function fields(message: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; at < message.length; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 2) {
      const length = varint();
      found.set(tag >> 3, message.subarray(at, at + length));
      at += length;
    } else if (wire === 0) varint();
    else at += wire === 1 ? 8 : 4;
  }
  return found;
}
