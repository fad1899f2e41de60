import { z } from 'zod';
import type { ClockReading } from '../../domain/doctor/cluster.verdicts.js';
import { Unseen } from '../../domain/doctor/finding.js';
import type { IssuerFacts } from '../../domain/doctor/service.verdicts.js';
import { FetchFailed, fetchJson } from '../net/json.fetch.js';
import type { IssuerSettings } from './identity.settings.js';

const BYTES_MAX = 262_144;

const Metadata = z.object({
  issuer: z.string(),
  jwks_uri: z.string(),
  id_token_signing_alg_values_supported: z.array(z.string()).exactOptional(),
});
const KeySet = z.object({
  keys: z.array(
    z.object({ kty: z.string(), alg: z.string().optional(), use: z.string().optional() }),
  ),
});

type Settings = Pick<IssuerSettings, 'issuer' | 'jwksUri'>;

/** Reads what an issuer publishes, as whoever verifies its tokens does. */
export async function examineIssuer(
  { issuer, jwksUri }: Settings,
  signal: AbortSignal,
): Promise<IssuerFacts | Unseen> {
  const bounds = { signal, bytesMax: BYTES_MAX };
  try {
    const metadata =
      jwksUri === undefined ? Metadata.parse(await fetchJson(discoveryOf(issuer), bounds)) : null;
    if (metadata && metadata.issuer !== issuer) {
      return new Unseen(
        `its discovery document speaks for ${metadata.issuer}`,
        'write identity.issuers[].issuer letter for letter as it does',
      );
    }
    const { keys } = KeySet.parse(await fetchJson(jwksUri ?? metadata?.jwks_uri ?? '', bounds));
    const signing = keys.filter(({ use }) => use === undefined || use === 'sig');
    return {
      keyTypes: signing.map(({ kty }) => kty),
      keyAlgorithms: signing.flatMap(({ alg }) => alg ?? []),
      signs: metadata?.id_token_signing_alg_values_supported ?? null,
    };
  } catch (error) {
    return new Unseen(
      error instanceof FetchFailed
        ? `${issuer} ${error.words}`
        : `${issuer} does not publish what OpenID Connect asks for`,
      'check identity.issuers[].issuer, and the way there from where Hallpass runs: without its keys nobody gets in',
    );
  }
}

/** The time at an issuer, by the Date header of its discovery document. */
export async function issuerClock(
  { issuer }: Settings,
  signal: AbortSignal,
): Promise<ClockReading | Unseen> {
  const askedMs = Date.now();
  const response = await fetch(discoveryOf(issuer), { redirect: 'manual', signal }).catch(
    () => undefined,
  );
  const answeredMs = Date.now();
  await response?.body?.cancel();
  if (!response) {
    return new Unseen('it does not answer, and so its clock is not seen', 'see its row issuer');
  }
  const thereMs = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(thereMs)
    ? new Unseen('it does not tell the time', 'compare its clock by hand')
    : { thereMs, askedMs, answeredMs, grainMs: 1_000 };
}

function discoveryOf(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}
