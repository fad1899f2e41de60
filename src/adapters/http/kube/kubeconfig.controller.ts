import { Controller, Get, HttpCode, Param, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { Caller } from '../../../app/caller.js';
import type { KubeconfigFacts } from '../../../app/issue-kubeconfig.js';
import { IssueKubeconfig } from '../../../app/issue-kubeconfig.js';
import { Kubeconfig, KubeconfigQuery } from '../../../contract/kubeconfig.schema.js';
import { problem } from '../../../domain/problem.js';
import { Allow } from '../access.decorators.js';
import { CurrentCaller } from '../caller.decorator.js';
import { HttpSettings } from '../http.settings.js';
import { GetOnly } from '../get.only.js';
import { Operation } from '../operation.decorator.js';
import { orRefuse, Refused } from '../refused.error.js';
import { sessionIdIn } from '../session.id.js';
import { kubeconfigDocument } from './kubeconfig.document.js';

const FILE = {
  name: 'Content-Disposition',
  description: 'The name that the file may have.',
};

/** Kubeconfigs of sessions, and of clusters by way of sessions. */
@Controller('v1')
export class KubeconfigController {
  constructor(
    private readonly issuing: IssueKubeconfig,
    private readonly settings: HttpSettings,
  ) {}

  @Get('sessions/:id/kubeconfig')
  @GetOnly()
  @HttpCode(200)
  @Allow('session:use')
  @Operation({
    id: 'readSessionKubeconfig',
    tag: 'sessions',
    summary: 'A kubeconfig by which kubectl reaches the session',
    description:
      'For its requester, where its terms allow the way `kubectl`. The user in it is the credential plugin ' +
      '`hallpass kube-credential`; with `credential=token` a token that holds for this session alone and no longer ' +
      'than it, and whose issuing is an audit event.',
    status: 200,
    answers: Kubeconfig,
    media: 'application/yaml',
    gives: [FILE],
    problems: ['not-found', 'not-running', 'way-not-allowed', 'https-required'],
  })
  async session(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query({ schema: KubeconfigQuery }) query: z.infer<typeof KubeconfigQuery>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    this.requireHttps();
    const { credential = 'plugin' } = query;
    return this.file(
      orRefuse(await this.issuing.forSession(caller, sessionIdIn(id), credential)),
      reply,
    );
  }

  @Get('clusters/:name/kubeconfig')
  @HttpCode(200)
  @Allow('session:request')
  @Operation({
    id: 'readClusterKubeconfig',
    tag: 'catalog',
    summary: 'A kubeconfig by which kubectl debug asks for sessions',
    description:
      'Good for as long as the cluster is known: the user in it is the credential plugin `hallpass kube-credential`. ' +
      '`kubectl debug -it POD --image=IMAGE --target=CONTAINER --env=HALLPASS_REASON=…` becomes a session.',
    status: 200,
    answers: Kubeconfig,
    media: 'application/yaml',
    gives: [FILE],
    problems: ['not-found', 'https-required'],
  })
  cluster(@Param('name') name: string, @Res({ passthrough: true }) reply: FastifyReply): string {
    this.requireHttps();
    return this.file(orRefuse(this.issuing.forCluster(name)), reply);
  }

  /** kubectl sends no credentials to a server without TLS (client-go), so that such a kubeconfig would never work. */
  private requireHttps(): void {
    if (this.settings.publicUrl.startsWith('https:')) return;
    throw new Refused(
      problem(
        'https-required',
        'kubectl sends no credentials over plain HTTP: have Hallpass served by HTTPS (server.publicUrl, server.tls).',
      ),
    );
  }

  private file(facts: KubeconfigFacts, reply: FastifyReply): string {
    const { publicUrl, caPem } = this.settings;
    void reply
      .header('content-type', 'application/yaml')
      .header('content-disposition', `attachment; filename="${facts.name}.kubeconfig"`);
    return kubeconfigDocument(facts, { url: publicUrl, ...(caPem === undefined ? {} : { caPem }) });
  }
}
