/**
 * `$(VAR)` and `$$` in command and args, as the kubelet rewrites them (third_party/forked/golang/expansion): `$$`
 * becomes `$`, a known variable its value, an unknown one stays as written.
 */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  let result = '';
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character !== '$' || i + 1 >= text.length) {
      result += character;
      continue;
    }
    const next = text.charAt(i + 1);
    if (next === '$') {
      result += '$';
      i++;
    } else if (next === '(') {
      const end = text.indexOf(')', i + 2);
      if (end < 0) {
        result += '$(';
        i++;
        continue;
      }
      const name = text.slice(i + 2, end);
      result += Object.hasOwn(variables, name) ? (variables[name] ?? '') : `$(${name})`;
      i = end;
    } else {
      // A lone `$` is kept together with what follows it.
      result += `$${next}`;
      i++;
    }
  }
  return result;
}
