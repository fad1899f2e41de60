import { z } from 'zod';
import { ENDINGS } from '../../src/domain/session/session.plan.js';

/** What the broker is told that will be killed or held up: its only argument, as JSON. */
export const Orders = z.strictObject({
  configPath: z.string(),
  /** The endings that shall not reach any container. */
  lost: z.array(z.enum(ENDINGS)),
});
export type Orders = z.infer<typeof Orders>;

/** What it is asked later. Sessions are named by their Pod: each has one of its own. */
export const Asked = z.discriminatedUnion('kind', [
  /** The steps of a session until now. */
  z.strictObject({ kind: z.literal('steps'), pod: z.string() }),
  /** To take up no more sessions. */
  z.strictObject({ kind: z.literal('rest') }),
  /** To go on with all sessions that stand still, and to answer when nothing is under way any more. */
  z.strictObject({ kind: z.literal('go-on') }),
]);
export type Asked = z.infer<typeof Asked>;

/** What it tells. */
export const Told = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('serving'), url: z.string() }),
  /** The session came to the step that its ticket names, and stands still. */
  z.strictObject({ kind: z.literal('held'), pod: z.string() }),
  /** It has done as it was asked. */
  z.strictObject({ kind: z.literal('done'), steps: z.array(z.string()) }),
]);
export type Told = z.infer<typeof Told>;
