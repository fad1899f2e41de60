import { z } from 'zod';
import { DNS_LABEL, DNS_LABEL_RULE } from '../domain/kubernetes-name.js';

export const POLICY_API_VERSION = 'hallpass/v1';

/** What names a document, whatever its kind. */
export const metadata = z.strictObject({ name: z.string().regex(DNS_LABEL, DNS_LABEL_RULE) });

/** Cross-checks run even where another key is wrong, so that every mistake is told at once. */
export const onObjects = {
  when: ({ value }: { value: unknown }) => typeof value === 'object' && value !== null,
};
