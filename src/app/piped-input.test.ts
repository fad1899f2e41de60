import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { EntranceLab, text } from '../../test/support/entrance.lab.js';

let lab: EntranceLab;
afterEach(() => lab.live.stop());

describe('what goes in from a pipe', () => {
  const pipe = { tty: false, kind: 'exec', command: ['sh'] } as const;

  it('is on the record by its size and SHA-256; what is typed at a terminal is not', async () => {
    lab = await new EntranceLab().active();
    const { stream, recording } = await lab.enter(pipe);
    for (const part of ['tar', 'ball']) await stream.write(Buffer.from(part));
    const sha256 = createHash('sha256').update('tarball').digest('hex');
    stream.leave();
    await expect.poll(() => recording.end).toBeDefined();
    expect(recording.marks).toContain(`Input: 7 bytes, SHA-256 ${sha256}`);
    const terminal = await lab.enter();
    await terminal.stream.write(Buffer.from('a password'));
    terminal.stream.leave();
    await expect.poll(() => terminal.recording.end).toBeDefined();
    expect(terminal.recording.marks.join()).not.toContain('SHA-256');
  });

  it('and tar makes of files is a copy by whichever way, which terms may leave out', async () => {
    lab = await new EntranceLab().active(600, { fileCopies: 'none' });
    for (const command of [
      ['tar', 'cf', '-', '/etc'],
      ['tar', 'xf', '-'],
    ]) {
      for (const way of ['cli', 'console', 'kubectl'] as const) {
        const asked = lab.enter({ ...pipe, command, way });
        await expect(asked).rejects.toThrow('let no files be copied.');
      }
    }
    expect(lab.streams.asked).toEqual([]);
    await lab.enter({ command: ['tar', 'xf', '-'], tty: true });
  });

  it.each(['none', 'download'] as const)(
    'goes nowhere where copies are %s: that would be a copy into the container',
    async (fileCopies) => {
      lab = await new EntranceLab().active(600, { fileCopies });
      const { stream } = await lab.enter(pipe);
      const process = await lab.streams.next();
      expect(await stream.write(Buffer.from('tarball'))).toBe(false);
      expect(await stream.ended).toMatchObject({
        kind: 'refused',
        problem: { problem: 'way-not-allowed', detail: expect.stringContaining('in a terminal') },
      });
      expect([process.taken, process.isClosed]).toEqual(['', true]);
      const terminal = await lab.enter();
      expect(await terminal.stream.write(Buffer.from('ls'))).toBe(true);
      const silent = await lab.enter(pipe);
      expect(await silent.stream.closeInput()).toBe(true);
    },
  );
});

describe('a pipe into a cluster that cannot end it', () => {
  const pipe = { tty: false, kind: 'exec', command: ['cat'] } as const;

  it.each(['write', 'closeInput'] as const)('is refused by %s, before any of it', async (act) => {
    lab = await new EntranceLab().active();
    const { stream } = await lab.enter(pipe);
    const process = await lab.streams.next();
    process.endsInput = false;
    expect(await stream[act](Buffer.from('rm'))).toBe(false);
    expect(await stream.ended).toMatchObject({
      kind: 'refused',
      problem: { detail: expect.stringContaining('its input is at its end') },
    });
    expect([process.taken, process.isClosed]).toEqual(['', true]);
  });

  it('runs where there is no input, as a terminal does, whose input ends with it', async () => {
    lab = await new EntranceLab().active();
    const command = await lab.enter(pipe);
    const terminal = await lab.enter();
    for (const process of [await lab.streams.next(), await lab.streams.next()]) {
      process.endsInput = false;
      process.exit(0);
    }
    await terminal.stream.write(Buffer.from('ls'));
    expect([await text(command.stream), await text(terminal.stream)]).toEqual(['', '']);
    expect(await command.stream.ended).toEqual({ kind: 'exited', code: 0 });
    expect(await terminal.stream.ended).toEqual({ kind: 'exited', code: 0 });
  });
});
