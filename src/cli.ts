#!/usr/bin/env node
// Nothing is imported before the version is known: what comes next may use what an older Node cannot even read.

/** As `engines` in package.json, which npm only warns of. */
const NEEDS = { major: 22, minor: 19 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDS.major || (major === NEEDS.major && minor < NEEDS.minor)) {
  process.stderr.write(
    `hallpass runs on Node.js ${NEEDS.major}.${NEEDS.minor} or later, and this is ${process.versions.node}: install a newer one.\n`,
  );
  process.exit(2);
}
await import('./hallpass.js');
