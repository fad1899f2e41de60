/** What users run in a container. Each says `here` once it has done what its description says. */

/** Where the machine's own programs are; containers share its file system. */
const SYSTEM_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the processes of users are known by to each other. */
const MARK = 'hostile';

/**
 * A user who has left things running: deaf to TERM, HUP and INT, in the terminal, in a session of its own by double fork,
 * and stopped.
 */
export function stayingUser({ shell }: { readonly shell: string }): string[] {
  return [shell, '-c', STAYING, 'staying', shell];
}

const STAYING = `${SYSTEM_PATH}; trap "" TERM HUP INT
(setsid $1 -c "while :; do sleep 600; done" &)
(setsid $1 -c "while :; do sleep 600; done" & kill -STOP $!)
echo here
while :; do sleep 600; done`;

/**
 * A user who wants to stay. Deaf to TERM, HUP and INT; leaves processes behind by double fork, in sessions of their own,
 * stopped and running; begins one process after the other, each of which begins the next and ends; and sends STOP and
 * KILL to everything in the container but its own: the timer, what the timer starts, what the broker runs.
 *
 * @param spare a process (as the container numbers it) that gets neither. Where the PID namespace is shared anybody may
 * KILL the timer, which ends the container at once and is no way to stay, or STOP it, which is tried by itself.
 */
export function hostileUser({
  shell,
  spare,
}: {
  readonly shell: string;
  readonly spare: number | undefined;
}): string[] {
  return [shell, '-c', HOSTILE, 'hostile', shell, spare === undefined ? '' : String(spare)];
}

const HOSTILE = `: ${MARK}; trap "" TERM HUP INT; ${SYSTEM_PATH}
deaf=": ${MARK}; trap '' TERM HUP INT; while :; do sleep 3.001; done"
(setsid $1 -c "$deaf" &)
(setsid $1 -c "$deaf" ${MARK} & kill -STOP $!)
next=": ${MARK}; trap '' TERM HUP INT; sleep 0.0301; (setsid \\"\\$1\\" -c \\"\\$2\\" ${MARK} \\"\\$1\\" \\"\\$2\\" &)"
(setsid $1 -c "$next" ${MARK} $1 "$next" &)
read -r me x </proc/self/stat
told=
while :; do
  for p in /proc/[0-9]*; do
    [ \${p#/proc/} != $me ] && [ \${p#/proc/} != "$2" ] && [ $p/ns/mnt -ef /proc/self/ns/mnt ] || continue
    said=; read -r said <$p/cmdline
    case $said in *${MARK}*|sleep3.001|sleep0.0301) continue;; esac
    kill -STOP \${p#/proc/}; kill -KILL \${p#/proc/}
  done 2>/dev/null
  [ "$told" ] || echo here
  told=1; sleep 0.0301
done`;
