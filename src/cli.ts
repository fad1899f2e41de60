#!/usr/bin/env node
import { refuseOldNode } from './needed.node.js';

refuseOldNode('hallpass');
const { runClient } = await import('./hallpass.js');
const exitCode = await runClient(process.argv.slice(2));
// Input that nobody reads any more, or a connection that is being closed, is no reason to stay.
process.stdout.write('', () => process.exit(exitCode));
