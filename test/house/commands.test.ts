import type { Command } from 'commander';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { definedProgram } from '../../scripts/cli.document.js';
import { EVENT_KINDS } from '../../src/domain/audit/event.kinds.js';

/** A command as a document has it: its words, without those that are a shell's. */
function wordsOf(text: string): string[] {
  const words = text.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? [];
  const end = words.findIndex((word) => /^(?:[|&;#<>]|--$)/.test(word));
  return end < 0 ? words : words.slice(0, end);
}

/** The commands of a document, in backticks and in its examples. */
function commandsIn(text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, '');
  const lines = [...joined.matchAll(/^ *(?:\$ )?(hallpass [a-z].*)$/gm)];
  const spans = [...text.matchAll(/`(hallpass [a-z][^`]*)`/g)];
  return [...lines, ...spans].map(([, found = '']) => found.replaceAll(/\s+/g, ' '));
}

/** The command that is meant where a group is named alone: Commander tells nobody else which. */
function byDefault(group: Command): Command {
  const name: unknown = Reflect.get(group, '_defaultCommandName');
  return group.commands.find((it) => it.name() === name) ?? group;
}

/** What is wrong with how a command is called. @param isWhole it is to be run as it stands. */
function wrongIn(text: string, isWhole: boolean): string[] {
  let command: Command = definedProgram();
  let isLeaf = false;
  const given: string[] = [];
  const values: string[] = [];
  const words = wordsOf(text).slice(1);
  for (const [at, word] of words.entries()) {
    const below = isLeaf ? undefined : command.commands.find((it) => it.name() === word);
    if (below) command = below;
    else if (word.startsWith('-')) given.push(word.split('=')[0] ?? word);
    else {
      isLeaf = true;
      if (!words[at - 1]?.startsWith('-')) values.push(word);
    }
  }
  command = byDefault(command);
  const known = (flag: string) =>
    flag === '--help' || command.options.some((it) => it.long === flag || it.short === flag);
  const unknown = given.filter((flag) => !known(flag)).map((flag) => `there is no ${flag}`);
  if (!isWhole) return unknown;
  const isGroup = command.commands.some((it) => it.name() !== 'help');
  const wanted = command.options.filter((it) => it.mandatory && !given.includes(it.long ?? ''));
  const required = command.registeredArguments.filter((it) => it.required);
  return [
    ...unknown,
    ...(isGroup ? ['it is no command but a group of some'] : []),
    ...wanted.map(({ flags }) => `it lacks ${flags}`),
    ...(values.length < required.length ? [`it lacks ${required.at(-1)?.name() ?? ''}`] : []),
  ];
}

test('documents call commands only by options that they have', async () => {
  const found = (await readdir('docs', { recursive: true })).filter((it) => it.endsWith('.md'));
  const documents = [
    'README.md',
    'helm/hallpass/README.md',
    ...found.map((it) => join('docs', it)),
  ];
  const wrong: string[] = [];
  let commands = 0;
  for (const path of documents) {
    for (const command of commandsIn(await readFile(path, 'utf8'))) {
      commands++;
      wrong.push(...wrongIn(command, false).map((why) => `${path}: ${command}: ${why}`));
    }
  }
  expect(wrong).toEqual([]);
  expect(commands).toBeGreaterThan(100);
});

test('what auditors are told to run can be run as it stands, and the events that they are told of are written', async () => {
  const text = await readFile('docs/compliance.md', 'utf8');
  const commands = commandsIn(text);
  expect(commands.length).toBeGreaterThan(15);
  expect(commands.flatMap((it) => wrongIn(it, true).map((why) => `${it}: ${why}`))).toEqual([]);
  const kinds = /^(?:session|audit|log|recording|bypass|policy|review|slack)\.[a-z-]+$/;
  const spans = [...text.matchAll(/`([^`]+)`/g)].flatMap(([, span = '']) => span.split(' '));
  const events = spans.filter((it) => kinds.test(it) && !it.startsWith('audit.retention'));
  expect(events.length).toBeGreaterThan(5);
  expect(events.filter((it) => !Object.hasOwn(EVENT_KINDS, it))).toEqual([]);
});

test.each([
  ['hallpass audit reviews', 'it is no command but a group of some'],
  ['hallpass audit hold --session ID', 'it lacks --reason <text>'],
  ['hallpass audit verify --key KEY', 'it lacks folder'],
  ['hallpass audit search --nobody', 'there is no --nobody'],
])('%s is found out', (command, why) => {
  expect(wrongIn(command, true)).toEqual([why]);
});
