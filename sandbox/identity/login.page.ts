import { PEOPLE } from './people.js';

/** The page on which one chooses who to be. A plain form, so that it works without scripts. */
export function loginPage({ action, client }: { action: string; client: string }): string {
  const choices = Object.values(PEOPLE).map(
    ({ sub, name, groups }) =>
      `<button name="sub" value="${sub}"><b>${name}</b><br><small>${groups.join(', ')}</small></button>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in to the sandbox</title>
<style>
  body { font: 1rem system-ui, sans-serif; max-width: 24rem; margin: 10vh auto; padding: 0 1rem; }
  button { display: block; width: 100%; margin: .5rem 0; padding: .75rem; font: inherit; text-align: left; cursor: pointer; }
</style>
<h1>Who are you today?</h1>
<p>This identity provider is part of the Hallpass sandbox: choose a person to sign in to ${escaped(client)}.</p>
<form method="post" action="${escaped(action)}">
${choices.join('\n')}
</form>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
