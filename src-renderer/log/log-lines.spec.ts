import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogPiece } from '../../src-main/ipc/contract.ts';
import { LineWindow, type LogPart, WINDOW_BYTES } from './line-window.ts';
import { type LogLine, SEGMENT_BYTES } from './log-lines.ts';

const NEWLINE = 0x0a;
const PART_BYTES = 64 * 1024;

/** Lines of all lengths, the long ones around what they are cut at. */
const anyLog = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.nat(60) },
      { weight: 2, arbitrary: fc.integer({ min: SEGMENT_BYTES - 3, max: SEGMENT_BYTES + 3 }) },
      { weight: 1, arbitrary: fc.integer({ min: 3 * SEGMENT_BYTES, max: 9 * SEGMENT_BYTES }) },
    ),
    { minLength: 1, maxLength: 60 },
  )
  .chain((lengths) => fc.boolean().map((isEnded) => logOf(lengths, isEnded)));

function logOf(lengths: readonly number[], isEnded: boolean): Uint8Array {
  const text = lengths
    .map((length, number) => String.fromCharCode(97 + (number % 26)).repeat(length))
    .join('\n');
  return new TextEncoder().encode(isEnded ? `${text}\n` : text);
}

/** Reads of the monitor: a piece each, of up to so many bytes. */
function piecesOf(log: Uint8Array, from: number, to: number): LogPiece[] {
  const pieces: LogPiece[] = [];
  for (let offset = from; offset < to; offset += 5000) {
    pieces.push({
      offset,
      timeUs: offset,
      stream: 'stdout',
      data: log.subarray(offset, Math.min(to, offset + 5000)),
    });
  }
  return pieces;
}

const partBefore = (log: Uint8Array, offset: number): LogPart => {
  const from = Math.max(0, offset - PART_BYTES);
  return { pieces: piecesOf(log, from, offset), isEdge: from === 0 };
};
const partAfter = (log: Uint8Array, offset: number): LogPart => {
  const to = Math.min(log.length, offset + PART_BYTES);
  return { pieces: piecesOf(log, offset, to), isEdge: to === log.length };
};

/** Reads from a place to both ends. */
function windowAround(log: Uint8Array, offset: number): LineWindow {
  const window = new LineWindow(offset, false);
  window.fill(partBefore(log, offset), partAfter(log, offset), offset);
  while (!window.hasStart) {
    window.prepend(partBefore(log, window.start));
  }
  while (!window.hasEnd) {
    window.append(partAfter(log, window.end));
  }
  return window;
}

const bytesOf = (lines: readonly LogLine[]) =>
  Uint8Array.from(lines.flatMap(({ bytes, isEnded }) => [...bytes, ...(isEnded ? [NEWLINE] : [])]));

describe('a window of lines', () => {
  it('has every byte once, in lines that are the same from wherever it has grown', () => {
    fc.assert(
      fc.property(anyLog, fc.double({ min: 0, max: 1, noNaN: true }), (log, share) => {
        const grown = windowAround(log, Math.floor(share * log.length)).lines;
        expect(Buffer.from(bytesOf(grown)).equals(log)).toBe(true);
        const fromStart = windowAround(log, 0).lines;
        expect(grown.map(({ offset, end, isBegun, isEnded }) => [offset, end, isBegun, isEnded])).toEqual(
          fromStart.map(({ offset, end, isBegun, isEnded }) => [offset, end, isBegun, isEnded]),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('has no line that is longer than a part, and cuts none that is not', () => {
    fc.assert(
      fc.property(anyLog, (log) => {
        for (const { bytes, isBegun, isEnded } of windowAround(log, 0).lines) {
          expect(bytes.length).toBeLessThanOrEqual(SEGMENT_BYTES);
          expect(bytes.includes(NEWLINE)).toBe(false);
          expect(isBegun && isEnded ? bytes.length < SEGMENT_BYTES : true).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('goes on with a line that has not ended, byte for byte as it comes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'bc', '\n', 'd\ne'), { maxLength: 40 }), (writes) => {
        const window = new LineWindow(0, false);
        window.fill({ pieces: [], isEdge: true }, { pieces: [], isEdge: true }, null);
        let offset = 0;
        for (const text of writes) {
          const data = new TextEncoder().encode(text);
          window.append({ pieces: [{ offset, timeUs: 1, stream: 'stdout', data }], isEdge: true });
          offset += data.length;
        }
        expect(Buffer.from(bytesOf(window.lines)).toString()).toBe(writes.join(''));
        const ended = writes.join('').split('\n').length - 1;
        expect(window.lines.filter(({ isEnded }) => isEnded)).toHaveLength(ended);
      }),
    );
  });

  it('holds no more than it may, and tells how many lines have gone', () => {
    const window = new LineWindow(0, false);
    window.fill({ pieces: [], isEdge: true }, { pieces: [], isEdge: true }, null);
    let [held, offset] = [0, 0];
    for (let round = 0; round < 100; round += 1) {
      const data = new TextEncoder().encode(`${'x'.repeat(999)}\n`.repeat(100));
      const gone = window.append({ pieces: [{ offset, timeUs: 1, stream: 'stdout', data }], isEdge: true });
      offset += data.length;
      held += 100 - gone;
      expect(window.lines).toHaveLength(held);
    }
    expect(window.hasStart).toBe(false);
    expect(window.end).toBe(offset);
    expect(offset - window.start).toBeLessThanOrEqual(WINDOW_BYTES + 10_000);
  });

  it('keeps what is seen of lines that are short and many', () => {
    const log = new TextEncoder().encode('\n'.repeat(300_000));
    const window = new LineWindow(0, false);
    window.fill(partBefore(log, 150_000), partAfter(log, 150_000), 150_000);
    expect(window.lines[window.indexOf(150_000)]?.offset).toBe(150_000);
    for (let round = 0; round < 3; round += 1) {
      const top = window.lines[500];
      window.prepend(partBefore(log, window.start));
      expect(window.lines.includes(top as LogLine)).toBe(true);
    }
    const bottom = window.lines.at(-500);
    window.append(partAfter(log, window.end));
    expect(window.lines.includes(bottom as LogLine)).toBe(true);
    expect(window.lines.length).toBeLessThanOrEqual(20_000);
  });

  it('says of a line which stream it is of, and of one that the other has broken up', () => {
    const write = (text: string, offset: number, stream: 'stdout' | 'stderr'): LogPiece => ({
      offset,
      timeUs: offset,
      stream,
      data: new TextEncoder().encode(text),
    });
    const window = new LineWindow(0, false);
    const pieces = [write('out\nbro', 0, 'stdout'), write('ken\nerr\n', 7, 'stderr')];
    window.fill({ pieces: [], isEdge: true }, { pieces, isEdge: true }, null);
    expect(window.lines.map(({ stream, timeUs }) => [stream, timeUs])).toEqual([
      ['stdout', 0],
      ['both', 0],
      ['stderr', 7],
    ]);
  });
});
