import { z } from 'zod';
import { instant } from './text.schema.js';

export const REPORT_FORMATS = ['json', 'csv'] as const;

/** In which form a report is told. */
export const REPORT_FORMAT = z.enum(REPORT_FORMATS).exactOptional().meta({
  description: 'As CSV, also with `Accept: text/csv`; JSON otherwise.',
});

export const AccessReportQuery = z.strictObject({
  by: z.enum(['group', 'namespace']).exactOptional().meta({
    description: 'Only lines for groups, or only for namespaces; both by default.',
  }),
  format: REPORT_FORMAT,
  from: z.iso.datetime({ offset: true }).exactOptional().meta({
    description: 'Sessions asked for at this instant (RFC 3339) and later; half a year by default.',
  }),
  until: z.iso.datetime({ offset: true }).exactOptional().meta({
    description: 'Sessions asked for before this instant; now by default.',
  }),
});

export const AccessLineView = z
  .strictObject({
    name: z.string().meta({ description: '`cluster/namespace`, or a group of those who asked.' }),
    people: z.int().meta({ description: 'How many accounts asked.' }),
    asked: z.int(),
    denied: z.int().meta({ description: 'By policy or by an approver.' }),
    started: z.int(),
    brokenGlass: z.int(),
    reviewsOverdue: z.int().meta({
      description:
        'Of those for which the glass was broken: not reviewed, though their time is up.',
    }),
    lastAskedAt: instant(),
  })
  .meta({ id: 'AccessLine' });

export const AccessReportView = z
  .strictObject({
    from: instant(),
    until: instant(),
    groups: z.array(AccessLineView).meta({
      description: 'Those who are in several groups count in each.',
    }),
    namespaces: z.array(AccessLineView),
    more: z
      .boolean()
      .meta({ description: 'Whether more than 1000 groups or namespaces are there.' }),
  })
  .meta({ id: 'AccessReport' });
