import { describe, expect, test } from 'vitest';
import { callerOf } from '../../test/support/consent.lab.js';
import { HandClock, MemoryJournal, MemoryPeople } from '../../test/support/in-memory.ports.js';
import { ALEX } from '../../test/support/sessions.js';
import { NotePerson } from './note-person.js';

const GONE = { ...ALEX, groups: [] };

function noting() {
  const people = new MemoryPeople();
  const clock = new HandClock(new Date('2026-03-04T10:00:00Z'));
  const journal = new MemoryJournal();
  const note = new NotePerson({ people, clock, journal });
  const later = (seconds: number) => clock.set(new Date(clock.now().getTime() + seconds * 1000));
  return { people, journal, note, later };
}

describe('what a token said of a person', () => {
  test('is written once for many requests, and again after a minute', async () => {
    const { people, note, later } = noting();
    for (let count = 0; count < 5; count++) await note.note(callerOf(ALEX, 1));
    expect(people.writes).toBe(1);
    later(59);
    await note.note(callerOf(ALEX, 1));
    expect(people.writes).toBe(1);
    later(1);
    await note.note(callerOf(ALEX, 1));
    expect(people.writes).toBe(2);
  });

  test('is written at once where a newer token says otherwise, or the same', async () => {
    const { people, note } = noting();
    await note.note(callerOf(ALEX, 1));
    await note.note(callerOf(GONE, 2));
    expect(people.now(ALEX)).toEqual(GONE);
    await note.note(callerOf(GONE, 3));
    expect(people.writes).toBe(3);
  });

  test('never gives way to what an older one said', async () => {
    const { people, note, later } = noting();
    await note.note(callerOf(GONE, 2));
    await note.note(callerOf(ALEX, 1));
    later(120);
    await note.note(callerOf(ALEX, 1));
    expect(people.now(ALEX)).toEqual(GONE);
    const elsewhere = noting().note;
    await elsewhere.note(callerOf(ALEX, 1));
    expect(people.now(ALEX)).toEqual(GONE);
  });

  test('is not taken for written where it could not be', async () => {
    const { people, note } = noting();
    people.broken = new Error('database away');
    await expect(note.note(callerOf(ALEX, 1))).rejects.toThrow('database away');
    people.broken = undefined;
    await note.note(callerOf(ALEX, 1));
    expect(people.now(ALEX)).toEqual(ALEX);
  });

  test('keeps no request waiting and fails none, and the log tells of it', async () => {
    const { people, journal, note } = noting();
    people.broken = new Error('database away');
    note.inPassing(callerOf(ALEX, 1));
    await expect.poll(() => journal.lines.map(({ level }) => level)).toEqual(['warn']);
    people.broken = undefined;
    note.inPassing(callerOf(ALEX, 1));
    await expect.poll(() => people.now(ALEX)).toEqual(ALEX);
  });

  test('is written beside four requests at a time, and with a later one of all the others', async () => {
    const { people, note } = noting();
    const crowd = Array.from({ length: 50 }, (_, at) => ({ ...ALEX, sub: `person-${at}` }));
    for (const person of crowd) note.inPassing(callerOf(person, 1));
    expect(people.writes).toBe(4);
    await expect
      .poll(() => {
        for (const person of crowd) note.inPassing(callerOf(person, 1));
        return crowd.every((person) => people.now(person) !== undefined);
      })
      .toBe(true);
    expect(people.writes).toBe(50);
  });
});
