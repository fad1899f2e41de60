#!/usr/bin/env node
import { refuseOldNode } from './needed.node.js';

refuseOldNode('hallpass-server');
const { runServer } = await import('./hallpass-server.js');
process.exitCode = await runServer(process.argv.slice(2));
