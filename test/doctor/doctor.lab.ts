import type { DoctorArgs } from '../../src/adapters/cli/doctor.command.js';
import { examineAll } from '../../src/doctor.js';
import type { CheckName, Finding } from '../../src/domain/doctor/finding.js';
import { readSubject } from '../../src/domain/doctor/rbac.rules.js';
import type { RbacSubject } from '../../src/domain/doctor/rbac.rules.js';

/** The doctor, asked as the command asks it. */
export async function doctor(args: Partial<DoctorArgs>): Promise<Findings> {
  const findings = await examineAll({
    ...{ config: undefined, kubeconfig: undefined, context: undefined },
    ...{ namespaces: [], subjects: [], except: [], impersonate: undefined },
    account: subject('serviceaccount:hallpass/hallpass'),
    ...args,
  });
  return new Findings(findings);
}

export function subject(text: string): RbacSubject {
  const found = readSubject(text);
  if (!found) throw new Error(`${text} names nobody`);
  return found;
}

/** What it found, to be asked for by name. */
export class Findings {
  constructor(readonly all: readonly Finding[]) {}

  /** The rows of a check. */
  of(check: CheckName): readonly Finding[] {
    return this.all.filter((it) => it.check === check);
  }

  /** The one row of a check about something. */
  row(check: CheckName, on: string): Finding {
    const rows = this.all.filter((it) => it.check === check && it.on.includes(on));
    const [row] = rows;
    if (!row || rows.length > 1) throw new Error(`${rows.length} rows of ${check} about ${on}`);
    return row;
  }
}
