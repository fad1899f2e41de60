/**
 * The scripts around a container's process. They run in that order, each replaced by what follows it (`exec`), so that
 * the process keeps its number: 1 in a PID namespace of its own. File descriptor 3 leads back to the runtime.
 */

// The namespaces' descriptors are ways out of the container: closed before anything of the container runs.
const closeNamespaces = 'exec 4<&- 5<&- 6<&- 7<&- 8<&-';

/**
 * Dies with the runtime. `setpriv --pdeathsig` has run before; a runtime that was killed even earlier has left the
 * process to another parent. Arguments: the runtime's process id, then the command.
 */
export const guardScript = '[ "$PPID" = "$1" ] || exit 125; shift; exec "$@"';

/**
 * Has the command as a child and ends as it does, 128 + the signal's number where one killed it. It is the first process
 * that sees new namespaces. `unshare --fork` of util-linux 2.38 takes a child's SIGKILL for a failure of its own, and
 * `nsenter` stops when its child is stopped. What a shell has to say of a killed child is not the container's output.
 */
export const forkScript = `exec 9>&2 2>/dev/null
(exec "$@" 2>&9 9>&-)
exit $?`;

/**
 * In the new namespaces, still with the machine's files: says its process id as the machine sees it, makes the root
 * file system and moves into it. Waits for the runtime to have opened the namespaces: a short-lived command would be
 * gone before. Arguments: the host name, then the command.
 */
export function setupScript(buildRoot: string): string {
  return `${closeNamespaces}
read -r pid rest </proc/self/stat
printf 'pid %s\\n' "$pid" >&3
umask 022
if [ -n "$1" ]; then hostname "$1" || printf %s "$1" >/proc/sys/kernel/hostname; fi 2>/dev/null
shift
{ ${buildRoot}; } 2>&3 >&3 || exit 125
read -r go <&3 || exit 125
exec "$@"`;
}

/**
 * In the container, as the container's user: refuses a program that is not there with the words of runc (measured:
 * test/kubernetes-1.36/stream/exec-command-not-found.json), else says that it is ready and becomes the command.
 * Arguments: the PATH to search, the program's name, then the command.
 */
export const enterScript = `${closeNamespaces}
path=$1 program=$2; shift 2
refuse() { printf 'refused exec: "%s": %s' "$program" "$1" >&3; exit 126; }
case $program in
*/*)
  [ -e "$program" ] || refuse "stat $program: no such file or directory"
  [ -d "$program" ] && refuse 'is a directory'
  [ -x "$program" ] || refuse 'permission denied' ;;
*)
  found=; IFS=:; set -f
  for folder in $path; do [ -f "$folder/$program" ] && [ -x "$folder/$program" ] && found=1; done
  [ -n "$found" ] || refuse 'executable file not found in $PATH'
  unset IFS; set +f ;;
esac
echo ready >&3
exec 3>&- "$@"`;

/** As a word of a shell script. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
