import {
  type ContainerRuntime,
  type RunningContainer,
  StartError,
} from '../runtime/container.runtime.js';
import { expand } from './command.expansion.js';
import type { ContainerRecord } from './container.record.js';
import { type Image, type ImageTable, isMalformed, onThisMachine, runtimeImage } from './images.js';
import { atPath, isObject } from './json.value.js';
import { containerIdentifier } from './pod.defaults.js';
import type { Container, Pod } from './pod.schema.js';

/** Why a container is not running, as its status says it. */
export interface NotStarted {
  reason:
    | 'InvalidImageName'
    | 'ErrImageNeverPull'
    | 'ErrImagePull'
    | 'CreateContainerConfigError'
    | 'CreateContainerError'
    | 'RunContainerError';
  message: string;
  runtimeId?: string;
}

/** The image of a container, or why the node does not have it (measured: lifecycle/image-*.json). */
export function findImage(images: ImageTable, container: Container): Image | NotStarted {
  const reference = container.image ?? '';
  if (isMalformed(reference)) {
    return {
      reason: 'InvalidImageName',
      message: `Failed to apply default image tag "${reference}": couldn't parse image name "${reference}": invalid reference format`,
    };
  }
  const image = images.find(reference);
  if (image !== undefined) return image;
  if (container.imagePullPolicy === 'Never') {
    return {
      reason: 'ErrImageNeverPull',
      message: `Container image "${reference}" is not present with pull policy of Never`,
    };
  }
  return { reason: 'ErrImagePull', message: pullFailure(reference) };
}

function pullFailure(reference: string): string {
  const local = /^((?:127\.0\.0\.1|localhost):\d+)\/(.+?)(?::([^/:@]+))?$/.exec(reference);
  if (local !== null) {
    const [, host = '', repository = '', tag = 'latest'] = local;
    const dial = host.replace('localhost', '127.0.0.1');
    return `failed to pull and unpack image "${reference}": failed to resolve image: failed to do request: Head "https://${host}/v2/${repository}/manifests/${tag}": dial tcp ${dial}: connect: connection refused`;
  }
  return `failed to pull and unpack image "${reference}": failed to resolve reference "${reference}": ${reference}: not found`;
}

/** The user a container's process runs as: its own, the Pod's, the image's. */
export function userOf(pod: Pod, container: Container, image: Image | undefined): number {
  return (
    container.securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser ?? image?.user ?? 0
  );
}

interface StartRequest {
  runtime: ContainerRuntime;
  pod: Pod;
  record: ContainerRecord;
  image: Image;
  /** The Pod's other containers, to find the target among. */
  records: ReadonlyMap<string, ContainerRecord>;
}

/** Makes the process. Every refusal is what the kubelet or containerd would put in the status. */
export async function startContainer(
  request: StartRequest,
): Promise<{ process: RunningContainer; runtimeId: string } | NotStarted> {
  const { runtime, pod, record, image, records } = request;
  const { spec } = record;
  const user = userOf(pod, spec, image);
  const nonRoot = spec.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot;
  if (nonRoot === true && user === 0) {
    const explicit =
      spec.securityContext?.runAsUser !== undefined ||
      pod.spec.securityContext?.runAsUser !== undefined;
    const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${spec.name})`;
    return {
      reason: 'CreateContainerConfigError',
      message: explicit
        ? `container's runAsUser breaks non-root policy ${where}`
        : `container has runAsNonRoot and image will run as root ${where}`,
    };
  }
  const env = environment(pod, spec, image);
  if ('reason' in env) return env;
  const target = spec['targetContainerName'];
  let sharePidWith: string | undefined;
  if (typeof target === 'string' && target !== '') {
    const targeted = records.get(target);
    if (targeted?.runtimeId === undefined) {
      return {
        reason: 'CreateContainerConfigError',
        message: `unable to find target container ${target}`,
      };
    }
    if (!targeted.alive) {
      return {
        reason: 'CreateContainerError',
        message: `failed to generate container spec: invalid target container: container "${targeted.runtimeId}" is not running - in state CONTAINER_EXITED`,
      };
    }
    sharePidWith = targeted.runtimeId;
  } else if (pod.spec.shareProcessNamespace === true) {
    sharePidWith = [...records.values()].find(
      (other) => other !== record && other.alive,
    )?.runtimeId;
  }
  const command = commandOf(spec, image, env.variables);
  const played = onThisMachine(image, command);
  const runtimeId = containerIdentifier();
  try {
    const process = await runtime.start({
      id: runtimeId,
      image: runtimeImage(image),
      command: played,
      env: env.variables,
      stdin: spec.stdin ?? false,
      tty: spec.tty ?? false,
      runAsUser: user,
      readOnlyRoot: spec.securityContext?.readOnlyRootFilesystem ?? false,
      ...(sharePidWith === undefined ? {} : { sharePidWith }),
    });
    return { process, runtimeId };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    // A program that is played, or that the image lacks, is called by the name it was asked for.
    const message = error.message.replaceAll(played[0] ?? '', command[0] ?? '');
    return { reason: 'RunContainerError', message, runtimeId };
  }
}

function commandOf(
  spec: Container,
  image: Image,
  variables: Readonly<Record<string, string>>,
): string[] {
  const given = (spec.command ?? []).map((word) => expand(word, variables));
  const args = (spec.args ?? []).map((word) => expand(word, variables));
  if (given.length > 0) return [...given, ...args];
  // The stand-in's images have one command; args take the place of what follows its first word.
  return args.length > 0 ? [...image.command.slice(0, 1), ...args] : [...image.command];
}

function environment(
  pod: Pod,
  spec: Container,
  image: Image,
): { variables: Record<string, string> } | NotStarted {
  const variables: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOSTNAME: pod.metadata.name,
    ...image.env,
  };
  if ((spec.envFrom ?? []).length > 0) return missingSource(spec.envFrom?.[0]);
  for (const { name, value, valueFrom } of spec.env ?? []) {
    if (valueFrom === undefined) {
      variables[name] = expand(value ?? '', variables);
      continue;
    }
    const path = atPath(valueFrom, 'fieldRef.fieldPath');
    if (typeof path !== 'string') return missingSource(valueFrom);
    const found = path === 'status.podIP' ? pod.status.podIP : atPath(pod, path);
    variables[name] = typeof found === 'string' ? found : '';
  }
  return { variables };
}

/** No ConfigMap or Secret exists in the stand-in, so every reference to one is to a missing one. */
function missingSource(source: unknown): NotStarted {
  const kinds = [
    ['secretKeyRef', 'secret'],
    ['secretRef', 'secret'],
    ['configMapKeyRef', 'configmap'],
    ['configMapRef', 'configmap'],
  ] as const;
  for (const [field, kind] of kinds) {
    const name = atPath(source, `${field}.name`);
    if (typeof name === 'string') {
      return { reason: 'CreateContainerConfigError', message: `${kind} "${name}" not found` };
    }
  }
  const field = isObject(source) ? (Object.keys(source)[0] ?? '') : '';
  return {
    reason: 'CreateContainerConfigError',
    message: `the stand-in cluster does not resolve ${field}`,
  };
}
