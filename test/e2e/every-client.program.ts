import { z } from 'zod';
import { CLIENTS } from './every.client.js';

/** Lets each of the clients connect to its port, and ends, whatever becomes of it. To be forked. */
const ports = z.record(z.string(), z.int()).parse(JSON.parse(process.argv[2] ?? ''));
await Promise.allSettled(
  Object.entries(CLIENTS).map(([name, connect]) => connect(ports[name] ?? 0)),
);
process.exit();
