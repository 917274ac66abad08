import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINE_BYTES_MAXIMUM, LineReader, parseMonitorMessage } from './monitor-messages.ts';

const UUID = '0b5e3c4e-6f7a-4b8c-9d0e-1f2a3b4c5d6e';

describe('LineReader', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ' '));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(20)), (lines, cuts) => {
        const reader = new LineReader();
        let rest = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const read: string[] = [];
        for (const cut of [...cuts, rest.length]) {
          read.push(...reader.read(rest.subarray(0, cut)));
          rest = rest.subarray(cut);
        }
        expect([...read, ...reader.read(rest)]).toEqual(lines);
      }),
    );
  });

  it('takes a line of the full length', () => {
    const line = 'x'.repeat(LINE_BYTES_MAXIMUM);
    expect(new LineReader().read(Buffer.from(`${line}\n`))).toEqual([line]);
  });

  it('refuses a longer one before its end has come', () => {
    const reader = new LineReader();
    reader.read(Buffer.alloc(LINE_BYTES_MAXIMUM, 0x78));
    expect(() => reader.read(Buffer.from('x'))).toThrow(RangeError);
  });
});

describe('parseMonitorMessage', () => {
  it('takes what a monitor says', () => {
    const hello = { event: 'hello', monitor: 1, build: 'a'.repeat(64), job: UUID, pid: 7, phase: 'running' };
    expect(parseMonitorMessage(JSON.stringify(hello))).toEqual(hello);
    const denied = { event: 'denied', level: 2, call: 101, first_us: 1_700_000_000_000_000 };
    expect(parseMonitorMessage(JSON.stringify(denied))).toEqual(denied);
    const running = { event: 'running', init_pid: 8, started_us: 1_700_000_000_000_000, paused: true };
    expect(parseMonitorMessage(JSON.stringify(running))).toEqual(running);
    expect(parseMonitorMessage('{"event":"paused"}')).toEqual({ event: 'paused' });
  });

  it('takes what one of the version before says, which knows no pause', () => {
    expect(parseMonitorMessage('{"event":"running","init_pid":8,"started_us":1}')).toMatchObject({
      paused: false,
    });
  });

  it('refuses everything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        expect(() => parseMonitorMessage(line)).toThrow();
      }),
    );
    expect(() => parseMonitorMessage('{"event":"running","init_pid":8,"started_us":1,"more":1}')).toThrow();
    expect(() => parseMonitorMessage('{"event":"sleeping"}')).toThrow();
  });
});
