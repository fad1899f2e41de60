import type { CompletionNode, CompletionOption } from './completion.tree.js';
import { walk } from './completion.tree.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What a shell reads to complete `hallpass` (and, in bash and fish, nothing else). */
export function completionScript(shell: Shell, root: CompletionNode): string {
  return SCRIPTS[shell](root);
}

const SCRIPTS = { bash, zsh, fish } as const satisfies Record<
  Shell,
  (root: CompletionNode) => string
>;

/** Text within single quotes of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function flagsOf({ options }: CompletionNode): string[] {
  return options.flatMap(({ flags }) => [...flags]);
}

/** What can be typed after these words. */
function wordsAfter(node: CompletionNode): string {
  return [...node.below.map(({ name }) => name), ...flagsOf(node)].join(' ');
}

/** The options whose value is one of a few. */
function choosing({ options }: CompletionNode): CompletionOption[] {
  return options.filter(({ choices }) => choices.length > 0);
}

/** The options whose values nobody here knows. */
function isUnknown({ takesValue, takesFile, choices }: CompletionOption): boolean {
  return takesValue && !takesFile && choices.length === 0;
}

/** Patterns of a shell's `case`: the commands, each with one of its options of that sort. */
function optionsWhere(
  nodes: ReturnType<typeof walk>,
  isSort: (option: CompletionOption) => boolean,
): string {
  return nodes
    .flatMap(({ path, node }) =>
      node.options
        .filter(isSort)
        .flatMap(({ flags }) => flags.map((flag) => quoted(`${path.join(' ')} ${flag}`))),
    )
    .join('|');
}

function bash(root: CompletionNode): string {
  const nodes = walk(root);
  const words = nodes.map(
    ({ path, node }) => `    ${quoted(path.join(' '))}) words=${quoted(wordsAfter(node))} ;;`,
  );
  const paths = nodes
    .filter(({ path }) => path.length > 1)
    .map(({ path }) => quoted(path.join(' ')))
    .join('|');
  const values = nodes.flatMap(({ path, node }) =>
    choosing(node).map(({ flags, choices }) => {
      const patterns = flags.map((flag) => quoted(`${path.join(' ')} ${flag}`)).join('|');
      return `    ${patterns}) words=${quoted(choices.join(' '))} ;;`;
    }),
  );
  const files = optionsWhere(nodes, ({ takesFile }) => takesFile);
  const others = optionsWhere(nodes, isUnknown);
  return `# bash completion of ${root.name}: source <(${root.name} completion bash)
_${root.name}() {
  local word path=${quoted(root.name)} words='' index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    [[ $word == -- ]] && return
    case "$path $word" in
    ${paths}) path="$path $word" ;;
    esac
  done
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  case "$path $before" in
${values.join('\n')}
    ${files})
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
    ${others})
      # What can stand here is not known, and is no file.
      compopt +o default
      return
      ;;
  esac
  if [[ -z $words ]]; then
    case "$path" in
${words.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${root.name} ${root.name}
`;
}

function zsh(root: CompletionNode): string {
  const cases = walk(root).map(({ path, node }) => {
    const below = node.below.map(({ name, description }) =>
      quoted(`${name.replaceAll(':', '\\:')}:${description}`),
    );
    const flags = node.options.flatMap(({ flags: names, description }) =>
      names.map((flag) => quoted(`${flag}:${description}`)),
    );
    return `    ${quoted(path.join(' '))})
      commands=(${below.join(' ')})
      flags=(${flags.join(' ')}) ;;`;
  });
  const paths = walk(root)
    .filter(({ path }) => path.length > 1)
    .map(({ path }) => quoted(path.join(' ')))
    .join('|');
  const values = walk(root).flatMap(({ path, node }) =>
    choosing(node).map(({ flags, choices }) => {
      const patterns = flags.map((flag) => quoted(`${path.join(' ')} ${flag}`)).join('|');
      return `    ${patterns}) compadd -- ${choices.join(' ')}; return ;;`;
    }),
  );
  return `#compdef ${root.name}
# zsh completion of ${root.name}: ${root.name} completion zsh > "\${fpath[1]}/_${root.name}"
_${root.name}() {
  local path_=${quoted(root.name)} index
  local -a commands flags
  for ((index = 2; index < CURRENT; index++)); do
    [[ $words[index] == -- ]] && return
    case "$path_ $words[index]" in
    ${paths}) path_="$path_ $words[index]" ;;
    esac
  done
  case "$path_ $words[CURRENT-1]" in
${values.join('\n')}
    ${optionsWhere(walk(root), ({ takesFile }) => takesFile)}) _files; return ;;
    ${optionsWhere(walk(root), isUnknown)}) return ;;
  esac
  case "$path_" in
${cases.join('\n')}
  esac
  (( $#commands )) && _describe command commands
  [[ $words[CURRENT] == -* ]] && _describe option flags
  (( $#commands )) || _files
}
if [[ $funcstack[1] == _${root.name} ]]; then _${root.name}; else compdef _${root.name} ${root.name}; fi
`;
}

function fish(root: CompletionNode): string {
  const nodes = walk(root);
  const paths = nodes
    .filter(({ path }) => path.length > 1)
    .map(({ path }) => quoted(path.join(' ')))
    .join(' ');
  const lines = nodes.flatMap(({ path, node }) => {
    const here = `__${root.name}_at ${path.join(' ')}`;
    return [
      ...node.below.map(
        ({ name, description }) =>
          `complete -c ${root.name} -f -n ${quoted(here)} -a ${quoted(name)} -d ${quoted(description)}`,
      ),
      ...node.options.map((option) => {
        const { flags, description, takesFile, choices } = option;
        const names = flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        const value =
          choices.length > 0
            ? ` -x -a ${quoted(choices.join(' '))}`
            : isUnknown(option)
              ? ' -x'
              : takesFile
                ? ' -r'
                : '';
        return `complete -c ${root.name} -n ${quoted(here)} ${names.join(' ')}${value} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion of ${root.name}: ${root.name} completion fish | source
function __${root.name}_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l path ${root.name}
    for word in $words
        string match -q -- -- $word; and return 1
        switch "$path $word"
            case ${paths}
                set path "$path $word"
        end
    end
    test "$path" = "$argv"
end
${lines.join('\n')}
`;
}
