/** What the cluster says of a session's container, reduced to what the session's life depends on. */
export type Observation =
  /** The Pod is not there, or another one is under its name, or all its containers have stopped for good. */
  | { readonly kind: 'pod-gone'; readonly why: string }
  /** The Pod is there; no container of this name has been added to it. */
  | { readonly kind: 'absent'; readonly podEnding: boolean }
  | {
      readonly kind: 'waiting';
      readonly reason: string;
      readonly message: string;
      readonly podEnding: boolean;
    }
  | {
      readonly kind: 'running';
      readonly startedAt: Date;
      readonly imageId: string;
      readonly podEnding: boolean;
    }
  | {
      readonly kind: 'terminated';
      /** Its Pod is being deleted, or has finished: that ended the container, not somebody in it. */
      readonly podEnding: boolean;
      readonly exitCode: number;
      readonly reason: string;
      readonly message: string;
      readonly imageId: string;
      /** By the node's clock, in whole seconds; null where it never started, or the record of it was lost. */
      readonly startedAt: Date | null;
      /** By the node's clock, in whole seconds; null where it is not known. */
      readonly finishedAt: Date | null;
    };

export type Terminated = Extract<Observation, { kind: 'terminated' }>;

/** How long a reason to wait is borne: `never` fails the start at once, `until-deadline` may still come right. */
type Patience = 'never' | 'until-deadline';

const NO_SHELL =
  "The profile's shell could not be executed: the image must hold the shell that the profile names.";

/**
 * The kubelet's reasons for a container that is not running, with what to tell people. It retries every one of them
 * without end (kubelet `images/types.go`, `kuberuntime_container.go`; measured: test/kubernetes-1.36/lifecycle), so
 * giving up is the broker's own choice.
 */
const WAITING: Readonly<Record<string, { patience: Patience; hint: string }>> = {
  ErrImagePull: {
    patience: 'until-deadline',
    hint: "Check the profile's image reference, and that the node may pull it.",
  },
  ImagePullBackOff: {
    patience: 'never',
    hint: "Check the profile's image reference, the registry, and the namespace's pull secrets.",
  },
  ErrImageNeverPull: {
    patience: 'never',
    hint: "The image is not on the node and the profile's imagePullPolicy is Never: load it there, or change the profile.",
  },
  InvalidImageName: { patience: 'never', hint: 'Correct the image reference in the profile.' },
  CreateContainerConfigError: {
    patience: 'never',
    hint: "The profile's security context does not fit its image or the Pod (a root image under runAsNonRoot, for one).",
  },
  CreateContainerError: {
    patience: 'never',
    hint: "The container runtime would not create it: most often the target container is not running, or the image lacks the profile's shell.",
  },
  RunContainerError: { patience: 'never', hint: NO_SHELL },
  // Of a container that terminated because it could not be started (measured: test/kubernetes-1.36/lifecycle).
  StartError: { patience: 'never', hint: NO_SHELL },
  Completed: {
    patience: 'never',
    hint: "It ended as soon as it began: check whether the clock of its node is ahead of Hallpass's, then ask again.",
  },
};

/** Whether this reason ends the start at once. */
export function isHopeless(reason: string): boolean {
  return WAITING[reason]?.patience === 'never';
}

/** What to do about a container that waits for this reason. */
export function hintFor(reason: string): string {
  return WAITING[reason]?.hint ?? 'Look at the events of the Pod for what its node says.';
}
