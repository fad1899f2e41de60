import { describe, expect, it } from 'vitest';
import { type ClientFrame, makeFrame, readFrame, type StreamProtocol } from './channel.frames.js';

const nothing = { kind: 'nothing' };
const size = (width: unknown, height: unknown) =>
  makeFrame(4, JSON.stringify({ Width: width, Height: height }));

describe('a frame of a client', () => {
  it.each<[string, Buffer, Record<string, unknown>]>([
    ['on channel 0 is input', makeFrame(0, 'ls\n'), { kind: 'input', bytes: Buffer.from('ls\n') }],
    ['on channel 4 is a size', size(100, 40), { kind: 'resize', columns: 100, rows: 40 }],
    ['with a size of nothing is passed over', size(0, 40), nothing],
    ['with a size beyond 16 bits is passed over', size(65_536, 40), nothing],
    ['with a size that is none is passed over', makeFrame(4, '{"Width":1'), nothing],
    ["on the server's own channels is passed over", makeFrame(1, 'x'), nothing],
    ["on nobody's channel is passed over", makeFrame(9, 'x'), nothing],
    ['without even a channel is passed over', Buffer.alloc(0), nothing],
    ['on 255 ends the input', makeFrame(255, '\u0000'), { kind: 'end-of-input' }],
    ['on 255 ends another channel, of which none is read', makeFrame(255, '\u0004'), nothing],
    ['on 255 without a channel is a violation', makeFrame(255, ''), { kind: 'violation' }],
    ['on 255 with two is a violation', makeFrame(255, '\u0000\u0000'), { kind: 'violation' }],
    [
      'on 255 with one there is not is a violation',
      makeFrame(255, '\u0005'),
      { kind: 'violation' },
    ],
  ])('%s', (_title, frame, said) => {
    expect(readFrame('v5.channel.k8s.io', frame)).toEqual(said);
  });

  it.each<StreamProtocol>(['v4.channel.k8s.io', 'channel.k8s.io'])(
    'on 255 says nothing under %s, which cannot close one stream',
    (protocol) => {
      expect(readFrame(protocol, makeFrame(255, '\u0000'))).toEqual<ClientFrame>({
        kind: 'nothing',
      });
    },
  );
});
