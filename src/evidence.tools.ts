import type { EvidenceTools } from './adapters/cli/evidence.commands.js';
import { decompress } from './adapters/gzip/gzip.js';
import { TarArchives } from './adapters/tar/tar.archives.js';

/** What archives of evidence are read with. */
export const evidenceTools: EvidenceTools = { archives: new TarArchives(), decompress };
