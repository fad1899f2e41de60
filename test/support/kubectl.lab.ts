import { Agent, fetch } from 'undici';
import { Kubectl } from '../../sandbox/cluster/kubectl.runner.js';
import { makeServerCertificate } from '../../sandbox/cluster/server.certificate.js';
import { freePort } from '../../sandbox/free.port.js';
import type { PolicySet } from '../../src/domain/policy/policy.js';
import type { Api } from './http.api.js';
import { startApi } from './http.api.js';

/** The API over HTTPS, with a certificate authority of its own, for the real kubectl. */
export class KubectlApi implements AsyncDisposable {
  private readonly made: Kubectl[] = [];

  private constructor(
    readonly api: Api,
    readonly url: string,
    private readonly agent: Agent,
  ) {}

  static async start(set?: PolicySet): Promise<KubectlApi> {
    const { caPem, certPem, keyPem } = await makeServerCertificate();
    const port = await freePort(0);
    const url = `https://127.0.0.1:${port}`;
    const settings = { publicUrl: url, caPem, tls: { cert: certPem, key: keyPem } };
    const api = await startApi({ port, settings, ...(set ? { set } : {}) });
    return new KubectlApi(api, url, new Agent({ connect: { ca: caPem } }));
  }

  /** A GET as this person. */
  async get(path: string, who = 'robin') {
    const answer = await fetch(`${this.url}${path}`, {
      headers: { authorization: `Bearer ${who}` },
      dispatcher: this.agent,
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  async post(
    path: string,
    body: object,
    who = 'robin',
    headers: Readonly<Record<string, string>> = {},
  ) {
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      dispatcher: this.agent,
    });
    return { status: answer.status, text: await answer.text() };
  }

  /** A session that runs, on a Pod that nobody asked for before. */
  async running(namespace = 'staging'): Promise<{ readonly id: string; readonly pod: string }> {
    const pod = `web-${Math.random().toString(36).slice(2, 10)}`;
    const asked = await this.post('/v1/sessions', {
      namespace,
      target: { pod },
      container: 'app',
      reason: 'the pool is exhausted',
      durationSeconds: 600,
      start: 'manual',
    });
    const { id } = JSON.parse(asked.text) as { id: string };
    await this.api.step(id, 'start');
    await this.api.step(id, 'run', { startedAt: new Date() });
    return { id, pod };
  }

  /** kubectl with this kubeconfig. */
  async kubectl(kubeconfig: string): Promise<Kubectl> {
    const kubectl = await Kubectl.with(kubeconfig);
    this.made.push(kubectl);
    return kubectl;
  }

  /** kubectl with the kubeconfig of a session, by a token of it. */
  async inSession(id: string): Promise<Kubectl> {
    const { text } = await this.get(`/v1/sessions/${id}/kubeconfig?credential=token`);
    return this.kubectl(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.made.map((kubectl) => kubectl.close()));
    await this.api.close();
    await this.agent.close();
  }
}
