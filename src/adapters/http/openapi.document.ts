import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { AuditHoldList, AuditHoldView } from '../../contract/audit-hold.schema.js';
import { AuditSinkList, DeadLetterPage, SinkReplayed } from '../../contract/audit-sink.schema.js';
import { AuditPage } from '../../contract/audit.schema.js';
import { AuditCounts, AuditSearchPage } from '../../contract/audit-search.schema.js';
import {
  AuditReviewDetails,
  AuditReviewPage,
  AuditReviewView,
} from '../../contract/audit-review.schema.js';
import { AccessReportView } from '../../contract/access-report.schema.js';
import { BreakGlassReportView } from '../../contract/break-glass-report.schema.js';
import { ApiAuditTaken } from '../../contract/api-audit.schema.js';
import { Evidence } from '../../contract/evidence.schema.js';
import { Checkpoint, LogKeys, LogTile, Proof } from '../../contract/log.schema.js';
import { ChannelList, ChannelTest } from '../../contract/channel.schema.js';
import { ClusterList } from '../../contract/cluster.schema.js';
import { Kubeconfig } from '../../contract/kubeconfig.schema.js';
import { TargetList } from '../../contract/target.schema.js';
import { Me } from '../../contract/me.schema.js';
import { PoliciesInForce } from '../../contract/policies-in-force.schema.js';
import { PolicyActivations, PolicySetText } from '../../contract/policy-set.schema.js';
import { ProblemDocument } from '../../contract/problem.schema.js';
import {
  Cast,
  RecordingList,
  RecordingView,
  ScreenHits,
  ScreenText,
  StoredRecording,
} from '../../contract/recording.schema.js';
import { ReviewPage } from '../../contract/reviews.schema.js';
import { SessionDetails, SessionPage, SessionStepView } from '../../contract/session.schema.js';
import { SlackLinkList, SlackLinkView } from '../../contract/slack-link.schema.js';
import { SignInView } from '../../contract/sign-in.schema.js';
import { Simulation } from '../../contract/simulation.schema.js';
import { TicketView } from '../../contract/terminal.schema.js';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

/** What is answered with; what is taken comes from the handlers' own parameters. */
const ANSWERS = [
  TicketView,
  SignInView,
  SessionDetails,
  SessionPage,
  SessionStepView,
  RecordingList,
  RecordingView,
  ScreenHits,
  Cast,
  StoredRecording,
  ScreenText,
  ReviewPage,
  AuditPage,
  AuditSearchPage,
  AuditCounts,
  AuditHoldList,
  AuditHoldView,
  AuditSinkList,
  DeadLetterPage,
  SinkReplayed,
  AccessReportView,
  BreakGlassReportView,
  AuditReviewView,
  AuditReviewPage,
  AuditReviewDetails,
  ChannelList,
  ChannelTest,
  Checkpoint,
  ApiAuditTaken,
  LogKeys,
  LogTile,
  Proof,
  Evidence,
  ClusterList,
  TargetList,
  PoliciesInForce,
  PolicyActivations,
  PolicySetText,
  Simulation,
  Kubeconfig,
  Me,
  SlackLinkList,
  SlackLinkView,
  ProblemDocument,
];

/** The description of the API (OpenAPI 3.1), made of the handlers and of the schemas that they parse by. */
export function openApiDocument(
  app: INestApplication,
  about: { readonly version: string; readonly publicUrl: string },
): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Hallpass')
    .setDescription(DESCRIPTION)
    .setVersion(about.version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer(about.publicUrl)
    .addTag('sessions', 'Asking for debug sessions, deciding about them, and using them.')
    .addTag('reviews', 'Reviewing the sessions for which the glass was broken.')
    .addTag('recordings', 'What was shown in sessions.')
    .addTag('catalog', 'What may be asked for, and who is asking.')
    .addTag('audit', 'What happened.')
    .addTag('channels', 'Where people are told of it.')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'An access token of a trusted issuer.',
      },
      'bearer',
    )
    .addSecurity('ticket', {
      type: 'http',
      scheme: 'bearer',
      description:
        'A ticket from `POST /v1/sessions/{id}/tickets`, here or as a subprotocol; it works once.',
    })
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    autoTagControllers: false,
    standardSchemaConverter: (schema) =>
      schema instanceof z.ZodType ? converted(schema) : undefined,
  });
  const schemas: Schemas = { ...document.components?.schemas };
  for (const answer of ANSWERS) Object.assign(schemas, converted(answer).components);
  return { ...document, components: { ...document.components, schemas: sorted(schemas) } };
}

const DESCRIPTION =
  'Governed, time-boxed debug access to running Pods. Refusals are problems (RFC 9457): decide by their `type`. ' +
  'Lists are paged by cursors. A session’s ETag is its version.';

/** A Zod schema as JSON Schema 2020-12, with those that have an id as components. */
function converted(schema: z.ZodType): { schema: Record<string, unknown>; components: Schemas } {
  const { $defs = {}, $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return {
    schema: referring(rest) as Record<string, unknown>,
    components: referring($defs) as Schemas,
  };
}

/** The same with references to where OpenAPI keeps schemas, and without bounds that mean "any safe integer". */
function referring(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(referring);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value)
    .filter(([, member]) => Math.abs(Number(member)) !== Number.MAX_SAFE_INTEGER)
    .map(([name, member]): [string, unknown] => [
      name,
      name === '$ref' && typeof member === 'string'
        ? member.replace('#/$defs/', '#/components/schemas/')
        : referring(member),
    ]);
  return Object.fromEntries(members);
}

function sorted(schemas: Schemas): Schemas {
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}
