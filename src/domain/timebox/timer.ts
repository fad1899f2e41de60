import { CHOOSE, KILL, PROBE, TERM, TIMER } from './timer.script.js';

/** A session's timer: the main process of its debug container. */
export interface Timer {
  /** The shell of the image, as an absolute path: busybox ash, dash or bash. */
  readonly shell: string;
  /** The last second (since 1970, by the node's clock) at which it may begin to hold. */
  readonly startByEpochSeconds: number;
  /** For how long it holds, counted from its own start. */
  readonly durationSeconds: number;
}

/**
 * What the exit code of the container's main process means. 137 is a KILL, from the broker or from inside; that code
 * and those above 128 in general are the kernel's (128 + signal).
 */
export const TIMER_EXITS = {
  0: 'the time was up, or a line ended it, or it was started too late',
  64: 'its arguments are not numbers of seconds',
  69: 'the image or the node lacks what it needs: date, /proc, or sleep where read has no time limit',
  74: 'its standard input was closed',
  143: 'TERM or INT ended it',
} as const;

/** Eleven digits: what every shell counts with. */
const EPOCH_SECONDS_MAX = 99_999_999_999;

/** The longest that a timer holds: busybox waits for 2^32 / 2048 seconds (24 days) at most. */
export const TIMER_SECONDS_MAX = 2_000_000;

/**
 * The container's command. The container has `stdin: true`, `stdinOnce: false` and `tty: false`.
 *
 * Started later than `startByEpochSeconds` (a slow pull, a kubelet that makes the container again) it exits 0 at once.
 * Otherwise it holds for `durationSeconds`, less at most one second, and then ends every process of its mount
 * namespace, itself last. Sooner where a line comes on its standard input (exit 0), where that is closed (74: it could
 * no longer be ended by a line), or on TERM or INT (143). HUP is ignored. It exits at once, holding nothing, with 64 for
 * nonsense arguments and with 69 where the image lacks what it needs. {@link TIMER_EXITS} has them all.
 *
 * It needs `date` to begin with, and /proc. While it holds it has no child that could be stopped or killed, provided
 * that the shell's `read` has `-t`; a shell without it (dash) hands over to the image's `bash` or `busybox` where there
 * is one. Where there is none, it needs `sleep`, and who tampers with that delays the deadline: a line, TERM and
 * {@link killCommand} still end it. {@link strengthProbe} tells which it is.
 *
 * What it cannot end, where the PID namespace is shared (in its own, the kernel ends all): a process that has moved to
 * a mount namespace of its own, one of another user's or one that hides from its own user (not dumpable) when the
 * container is not root, one that forks faster than a shell can look, and any where a user KILLs the timer itself.
 * Container runtimes that end the container's cgroup end these too (containerd does).
 *
 * What it cannot withstand alone: a STOP, where the PID namespace is shared, and a debugger (ptrace) in any; against
 * these {@link killCommand} helps, unless the debugger has made it another program, or the user has put another program
 * in the place of the shell, as root may where the root file system is writable: a timer that is stopped then stays, and
 * only evicting the Pod is left. `readOnlyRootFilesystem: true` takes that away. Nothing here helps against who may mount
 * something over /proc or over the shell (CAP_SYS_ADMIN).
 *
 * @throws RangeError where the seconds are no whole numbers or too many: a bug of the caller's.
 */
export function timerCommand({ shell, startByEpochSeconds, durationSeconds }: Timer): string[] {
  const seconds = [
    whole(startByEpochSeconds, EPOCH_SECONDS_MAX),
    whole(durationSeconds, TIMER_SECONDS_MAX),
  ];
  return [shell, '-c', CHOOSE, 'hold', ...seconds, TIMER];
}

function whole(seconds: number, max: number): string {
  if (!Number.isSafeInteger(seconds) || seconds < 1 || seconds > max) {
    throw new RangeError(`a timer takes whole seconds from 1 to ${max}, not ${seconds}`);
  }
  return String(seconds);
}

/**
 * To be run by exec in the container: exits 0 where the timer holds without a child (strong), 3 where it needs one
 * (weak). Any other code says nothing. Looks for the same shells in the same places as {@link timerCommand}.
 */
export function strengthProbe(shell: string): string[] {
  return [shell, '-c', PROBE, 'probe'];
}

/**
 * To be run by exec in the container: sends TERM to the timer, and CONT in case it was stopped. The timer is the oldest
 * process of the mount namespace, and process 1 where the PID namespace is the container's own. Needs nothing but the
 * shell and /proc. Exits 1 where it finds no timer; 0 does not say that the container ended, nor even that it was the
 * image's shell that ran: root may have replaced it where the root file system is writable.
 */
export function termCommand({ shell }: Pick<Timer, 'shell'>): string[] {
  return [shell, '-c', TERM, 'term'];
}

/**
 * To be run by exec in the container: STOPs every process of its mount namespace, KILLs all but the timer, sends TERM
 * and CONT to the timer, gives it 2 to 3 seconds, and KILLs it. Touches no process of another mount namespace. Needs
 * nothing but the shell and /proc; takes 6 seconds at most.
 *
 * How it exits says nothing: where the timer ends, this command is ended with everything else. The container's status
 * tells. A user who kills whatever appears may kill this too before it has found them, and the timer may be left
 * stopped then: to be repeated until the container has ended. Of no use where root has replaced the shell, which takes a
 * writable root file system.
 */
export function killCommand({ shell }: Pick<Timer, 'shell'>): string[] {
  return [shell, '-c', KILL, 'kill'];
}
