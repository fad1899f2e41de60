/**
 * The shell text of the time-box. It runs in other people's images, under busybox ash, dash and bash, next to a user
 * who may want it to fail, so it keeps to these rules:
 *
 * - Builtins only, once it holds: a child could be stopped, and who waits for a stopped child waits for ever. Processes
 *   are recognised by `[ … -ef … ]` and not by `readlink`, clocks are read from /proc/uptime and not by `date`.
 * - No `$$`: the kubelet makes `$` of it (its expansion of `$(NAME)` in command and args). Process ids come from
 *   /proc/self/stat, which a builtin's redirection opens in the shell itself.
 * - Nothing is ever sent to a process of another mount namespace: where the PID namespace is shared, that is the app.
 * - Beyond POSIX it takes for granted that `[` and `kill` are builtins and that `[` has `-ef`. So it is in dash and
 *   bash, and in busybox as configured by default, by Debian, by Alpine and for the official image. For `read -t` it
 *   looks.
 */

/** Status 0 or 1 where the shell's `read` has a time limit (1: end of input), 2 in dash, 127 where there is no shell. */
const READ_HAS_LIMIT = 'read -t 1 x </dev/null 2>/dev/null; [ $? -lt 2 ]';

/** Runs `then` with `$s` for each other shell of the image whose `read` has a time limit. */
const forBetterShells = (then: string) => `for s in bash "busybox sh"; do
  $s -c "read -t 1 x </dev/null" 2>/dev/null
  [ $? -lt 2 ] && ${then}
done`;

/**
 * `mine /proc/PID`: whether that process is of this mount namespace. Of a process whose first thread has exited, only
 * the other threads still show theirs.
 */
const MINE = `mine() {
  [ $1/ns/mnt -ef /proc/self/ns/mnt ] && return 0
  [ -e $1/ns/mnt ] && return 1
  for t in $1/task/*; do [ $t/ns/mnt -ef /proc/self/ns/mnt ] && return 0; done
  return 1
}`;

/**
 * `sweep`: ends all of this mount namespace but `$me` and `$keep`. STOP goes first: what is stopped keeps its place
 * under a limit of processes, and forks nothing while the rest is found. It goes on until it sees nothing more, for
 * 2 seconds at most: then whoever ends the container's cgroup has to do the rest. The newest process is struck by its
 * number in /proc/loadavg: among hundreds of others, what forks all the time has ended before its turn in the list.
 */
const SWEEP = `strike() {
  q=\${2#/proc/}
  [ $q = $me ] || [ $q = "$keep" ] || { mine $2 && kill -$1 $q && hit=1; }
}
round() {
  hit=
  for p in /proc/[0-9]*; do strike $1 $p; done
  read -r x x x x newest x </proc/loadavg && strike $1 /proc/$newest
} 2>/dev/null
sweep() {
  read -r up x </proc/uptime; last=$((\${up%%.*} + 2))
  round STOP; round STOP; clean=0
  while [ $clean -lt 20 ] && read -r up x </proc/uptime && [ \${up%%.*} -le $last ]; do
    round KILL; [ "$hit" ] && clean=0 || clean=$((clean + 1))
  done
}`;

/**
 * `oldest`: puts the oldest process of this mount namespace in `$keep`: the container's main process, for all others
 * are started in what it began. Unlike a command line, an age (field 22 of stat) cannot be put on. No file names are
 * expanded meanwhile, because a process chooses its own name, which stat shows.
 */
const OLDEST = `oldest() {
  keep=; age=999999999999999
  for p in /proc/[0-9]*; do
    mine $p && read -r s <$p/stat || continue
    set -f; set -- \${p#/proc/} \${s##*) }; set +f
    [ "\${21}" -lt $age ] || { [ "\${21}" = $age ] && [ $1 -lt $keep ]; } && { age=\${21}; keep=$1; }
  done 2>/dev/null
}`;

/** Hands the timer (`$3`) to this shell, or to a better one of the image. */
export const CHOOSE = `# Hallpass: holds the container for $2 seconds if it starts by $1 (seconds since 1970).
${READ_HAS_LIMIT} && eval "$3"
${forBetterShells('exec $s -c "$3" "$0" "$1" "$2"')}
eval "$3"
`;

/**
 * Holds, then ends all of the container.
 *
 * - A line, the end of input or a signal can all make `read` return early, and busybox gives 1 for a time limit that is
 *   reached, an end of input and a signal alike: the clock tells the first (busybox rounds to milliseconds, and may be
 *   back one early), `$woken` the last.
 * - Without a trap on CHLD, busybox would begin its `read` anew, with the whole time limit, whenever a child of the
 *   main process dies; in its own PID namespace that is every orphan, and a user can make orphans.
 * - Without a time limit (dash), one `sleep` after the other wakes `read`. Who puts another program in its place, or
 *   stops it in the instant before `read` begins, delays the deadline, but a line and TERM still end the hold.
 * - CHLD is given back before the sweep: in dash a trap that comes during another trap's action, an empty one too,
 *   changes `$?`, which would end the sweep halfway.
 * - As process 1 it needs no sweep: the kernel kills what is left of its PID namespace, and cannot be outrun.
 */
export const TIMER = `read -r me x </proc/self/stat && [ /proc/$me/ns/mnt -ef /proc/self/ns/mnt ] || exit 69
for n in "$1" "$2"; do case $n in ""|0*|*[!0-9]*|????????????*) exit 64;; esac; done
now=$(date +%s)
case $now in ""|*[!0-9]*) exit 69;; esac
[ $now -le $1 ] || exit 0
keep=
${MINE}
${SWEEP}
finish() {
  trap "" TERM INT HUP; trap - CHLD
  [ $me = 1 ] || sweep
  exit $1
}
${READ_HAS_LIMIT} && limit=1 || { limit=; command -v sleep >/dev/null || exit 69; }
await_line() {
  woken=
  [ "$limit" ] && { read -r -t $left x; r=$?; return; }
  sleep 1 &
  read -r x; r=$? by=$woken
  kill -KILL $!; wait $!
  woken=$by
} 2>/dev/null
trap "finish 143" TERM INT; trap "" HUP; trap "woken=1" CHLD
read -r up x </proc/uptime || exit 69
end=$((\${up%%.*} + $2))
while read -r up x </proc/uptime || finish 69; left=$((end - \${up%%.*})); [ $left -gt 0 ]; do
  await_line
  [ $r = 0 ] && finish 0
  [ $r -gt 128 ] || [ "$woken" ] && continue
  read -r up x </proc/uptime; [ \${up%%.*} -ge $((end - 1)) ] && break
  finish 74
done
finish 0
`;

/** Exits 0 where the timer can wait without a child, in the shell at hand or in one it is handed to; 3 where not. */
export const PROBE = `${READ_HAS_LIMIT} && exit 0
${forBetterShells('exit 0')}
exit 3
`;

/** TERM first, so that a stopped timer finds it when it goes on. */
const ASK = 'kill -TERM $keep; kill -CONT $keep';

/** Asks the timer to end. */
export const TERM = `${MINE}
${OLDEST}
oldest; [ "$keep" ] || exit 1
${ASK}
`;

/**
 * Ends all but the timer, asks the timer, waits 2 seconds for it while ending what still appears, and kills it. STOPs
 * all, the timer too, before it looks for the timer: who ends whatever appears has that much less time for it.
 */
export const KILL = `trap "" TERM INT HUP
read -r me x </proc/self/stat || exit 1
${MINE}
${OLDEST}
${SWEEP}
keep=; round STOP
oldest; sweep
[ "$keep" ] && [ $keep != $me ] || exit 1
${ASK}
read -r up x </proc/uptime; last=$((\${up%%.*} + 2))
while mine /proc/$keep && read -r up x </proc/uptime && [ \${up%%.*} -le $last ]; do round KILL; done
kill -KILL $keep 2>/dev/null
exit 0
`;
