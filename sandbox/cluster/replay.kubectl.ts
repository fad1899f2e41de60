import { expect } from 'vitest';
import { KubectlRecording, read } from './recording.js';
import type { Replay } from './replay.http.js';
import type { Lab } from './replay.lab.js';

const debugged = 'dbg-mwtw8um0';

/**
 * The requests one kubectl command sent, sent again with the same headers; status, content type and sub-protocol are
 * compared. The stand-in writes JSON where the real server wrote protobuf or aggregated discovery, which kubectl accepts
 * (kubectl.test.ts runs the real one). Bodies of requests were not recorded: equivalent ones are sent.
 */
const replay: Replay = async (file, lab) => {
  await withDebugContainer(lab);
  const { requests } = read(file, KubectlRecording);
  const logged = requests.map(({ url }) => /\/log\?container=(debugger-\w+)/.exec(url)?.[1]);
  const debuggerName = logged.find((name) => name !== undefined) ?? 'debugger';
  for (const request of requests) {
    const { method, url, headers } = request;
    if (request.upgrade === true) {
      const answer = await lab.client.upgrade({
        method,
        path: url,
        token: lab.token(),
        headers: { ...webSocketKey, ...headers },
      });
      const [first = '', ...rest] = request.answer ?? [];
      expect(answer.status).toBe(Number(first.split(' ')[1]));
      const protocol = rest.find((line) => line.startsWith('Sec-WebSocket-Protocol'));
      expect(answer.protocol).toBe(protocol?.split(': ')[1]);
      continue;
    }
    if (url.includes(`/log?container=${debuggerName}`)) {
      await lab.untilEphemeral(debuggerName, (s) => s.state.terminated !== undefined);
    }
    const body = bodyOf(method, url, debuggerName, lab);
    const answer = await lab.client.head({
      method,
      path: url,
      token: lab.token(),
      accept: headers['accept'] ?? '',
      contentType: headers['content-type']?.replace(protobuf, 'application/json'),
      ...(body === undefined ? {} : { body }),
    });
    expect(answer.status, url).toBe(request.status);
    expect(answer.headers['content-type'], url).toBe(jsonFor(request.type));
  }
};

const protobuf = 'application/vnd.kubernetes.protobuf';
const webSocketKey = {
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
};

function jsonFor(type: string | undefined): string | undefined {
  return type?.startsWith(protobuf) === true || type?.includes('as=APIGroupDiscoveryList') === true
    ? 'application/json'
    : type;
}

function bodyOf(method: string, url: string, debuggerName: string, lab: Lab): unknown {
  if (method === 'PATCH') {
    const command = ['sh', '-c', 'echo READY; exit 0'];
    return { spec: { ephemeralContainers: [lab.busybox(debuggerName, command)] } };
  }
  if (url.includes('selfsubjectaccessreviews')) {
    return { spec: { resourceAttributes: { namespace: 'lab', verb: 'delete', resource: 'pods' } } };
  }
  return undefined;
}

async function withDebugContainer(lab: Lab): Promise<void> {
  if (lab.cluster.parts.kubelet.process(lab.pod('web'), debugged) !== undefined) return;
  await lab.running(lab.busybox(debugged, ['/bin/sh'], { stdin: true, tty: true }));
}

const commands = [
  'attach',
  'auth-can-i',
  'cp-from',
  'cp-to',
  'debug-ephemeral',
  'describe',
  'exec-stdin',
  'exec-tty',
  'exec',
  'get-pod-yaml',
  'get-pod',
  'get-pods',
  'logs-follow',
  'logs',
  'port-forward',
];

export const kubectlReplays: Readonly<Record<string, Replay>> = Object.fromEntries(
  ['1.32', '1.36'].flatMap((version) =>
    commands.map((command) => [`kubectl/${version}/${command}.json`, replay]),
  ),
);
