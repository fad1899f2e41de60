import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { sbomDocument, sbomMistakes } from './sbom/sbom.document.js';

const HELP = `Writes the bill of materials of production: CycloneDX 1.6, in JSON.

  npm run sbom                                    to sbom.cdx.json
  npm run sbom -- --out FILE --tree FOLDER        of the node_modules of another folder

Exit codes: 0 written, 1 a package of production is not installed or the document breaks its schema.`;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'sbom.cdx.json' },
    tree: { type: 'string', default: '.' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) console.log(HELP);
else {
  const text = sbomDocument({ project: '.', tree: values.tree });
  const mistakes = await sbomMistakes(text);
  if (mistakes !== undefined) throw new Error(`the document breaks its schema: ${mistakes}`);
  await writeFile(values.out, text);
  console.log(values.out);
}
