/**
 * Whether process 1 is the timer: its command line holds the timer's text. Read with builtins alone, because the image
 * need have no `grep`.
 */
export const MAIN_IS_TIMER = `while read -r line || [ "$line" ]; do
  case $line in *Hallpass*|*/proc/self/stat*) exit 0;; esac
done </proc/1/cmdline
exit 1`;

/**
 * Keeps the oldest process of its mount namespace, the timer, stopped for ever, from a process that ignores what it can
 * ignore. Goes on when its exec has ended.
 */
export const FIGHT = `trap "" TERM HUP INT
timer=
for p in /proc/[0-9]*; do
  [ $p/ns/mnt -ef /proc/self/ns/mnt ] || continue
  n=\${p#/proc/}
  [ "$timer" ] && [ $timer -lt $n ] || timer=$n
done
{ while :; do kill -STOP $timer; done; } </dev/null >/dev/null 2>&1 &`;
/** What to give {@link FIGHT} as its `$0`, to know it by. */
export const FIGHTER = 'hallpass-fighter';

/**
 * STOPs the oldest process of its mount namespace, the timer, and puts a program in the place of /bin/sh that does
 * nothing and succeeds. Exits 0 where that is so; /bin has to be a link.
 */
export const REPLACE_SHELL = `timer=
for p in /proc/[0-9]*; do
  [ $p/ns/mnt -ef /proc/self/ns/mnt ] || continue
  n=\${p#/proc/}
  [ "$timer" ] && [ $timer -lt $n ] || timer=$n
done
kill -STOP $timer || exit 1
mkdir /other && cp /usr/bin/true /other/sh && ln -sfn /other /bin`;

/** Exits 0 where a process that can be seen from here has the first argument in its command line, other than this. */
export const IS_SEEN = `read -r me x </proc/self/stat
for p in /proc/[0-9]*; do
  [ $p = /proc/$me ] && continue
  { while read -r line || [ "$line" ]; do
    case $line in *$1*) exit 0;; esac
  done; } <$p/cmdline 2>/dev/null
done
exit 1`;

/** The command that runs a script in the shell of the debug image; the first of the words is its `$0`. */
export function shell(script: string, ...words: readonly string[]): string[] {
  return ['/bin/sh', '-c', script, ...words];
}
