// What imports this imports nothing else before it has asked: what comes next may use what an older Node cannot even read.

/** As `engines` in package.json, which npm only warns of. */
const NEEDS = { major: 22, minor: 19 };

/** Ends the process with 2 and a sentence, on a Node that is too old for the program. */
export function refuseOldNode(program: string): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NEEDS.major || (major === NEEDS.major && minor >= NEEDS.minor)) return;
  process.stderr.write(
    `${program} runs on Node.js ${NEEDS.major}.${NEEDS.minor} or later, and this is ${process.versions.node}: install a newer one.\n`,
  );
  process.exit(2);
}
