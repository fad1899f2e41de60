import { z } from 'zod';

export const Checkpoint = z.string().meta({
  id: 'Checkpoint',
  description: 'A signed note: origin, size and root, and a signature of each key.',
});

export const Proof = z
  .string()
  .meta({ id: 'LogProof', description: 'Index, hashes and checkpoint, as c2sp.org/tlog-proof.' });

export const LogTile = z
  .string()
  .meta({ id: 'LogTile', description: 'Hashes of 32 bytes, or entries, each after its length.' });

export const LogKeys = z
  .strictObject({
    origin: z.string().meta({ description: 'The name of the log in its checkpoints.' }),
    keys: z.array(z.string()).meta({ description: 'Each as `name+keyID+base64`.' }),
  })
  .meta({ id: 'LogKeys' });
