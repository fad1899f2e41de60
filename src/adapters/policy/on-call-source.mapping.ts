import type { OnCallSourceDocument } from '../../contract/on-call-source.schema.js';
import type { OnCallShape, OnCallSource } from '../../domain/policy/on-call-source.js';

/** What the document means, all defaults written out. */
export function onCallSourceOf({ metadata, spec }: OnCallSourceDocument): OnCallSource {
  return {
    name: metadata.name,
    description: spec.description,
    url: spec.url,
    shape: shapeOf(spec),
    match: spec.match,
    secret: spec.secret ?? null,
    timeoutSeconds: spec.timeout,
    maxAgeSeconds: spec.maxAge,
    staleForSeconds: spec.staleFor,
  };
}

function shapeOf({ shape, pointer, field }: OnCallSourceDocument['spec']): OnCallShape {
  switch (shape) {
    case 'pagerduty':
      return { kind: shape };
    case 'generic':
      return { kind: shape, pointer: pointer ?? '', field: field ?? null };
  }
}
