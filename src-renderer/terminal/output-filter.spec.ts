import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutputFilter } from './output-filter.ts';
import { TwoStreams } from './two-streams.ts';

const ESC = '\x1b';
const encoder = new TextEncoder();

function filtered(text: string | Uint8Array): string {
  const filter = new OutputFilter();
  return filter.push(typeof text === 'string' ? encoder.encode(text) : text) + filter.end();
}

/** What a job may print to do harm, whole and in parts, beside text, letters of several bytes and bytes that are none. */
const fragment = fc.oneof(
  fc.constantFrom(
    ...[ESC, `${ESC}[`, `${ESC}]`, `${ESC}P`, `${ESC}_`, `${ESC}\\`, '\x07', '\x9b', '\x9d', '\x9c', '\x18'],
    ...[
      '8;;https://example.org/',
      '8;;javascript:alert(1)',
      '52;c;dGFrZW4=',
      '0;title',
      '?1049h',
      '3J',
      'c',
      '31m',
    ],
    ...['38;2;1;2;3m', '2J', '6n', '5A', 'H', 'K', '\r', '\n', '\t', '\b', 'é', '日本', '👩‍👩‍👧', 'a\u0301'],
  ),
  fc.string({ maxLength: 8 }),
);
const anyBytes = fc.oneof(
  fc.array(fragment, { maxLength: 30 }).map((parts) => encoder.encode(parts.join(''))),
  fc.uint8Array({ maxLength: 60 }),
);

function inPieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (one, other) => one - other,
  );
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** All that the terminal is ever given beside text: colours, moves, erasing in a line and below, links to the web. */
const ALLOWED = new RegExp(
  [
    String.raw`${ESC}\[[0-9;:]*m`,
    String.raw`${ESC}\[\d{0,4}[A-GK]`,
    String.raw`${ESC}\[0?J`,
    String.raw`${ESC}\]8;;(https?:\/\/[\x21-\x7e]+)?${ESC}\\`,
    String.raw`[\t\n\r\b]`,
  ].join('|'),
  'g',
);
const CONTROL = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

describe('OutputFilter', () => {
  it('gives the same whatever the pieces are in which the bytes come', () => {
    fc.assert(
      fc.property(anyBytes, fc.array(fc.nat(200), { maxLength: 8 }), (bytes, cuts) => {
        const filter = new OutputFilter();
        const pieces = inPieces(bytes, cuts).map((piece) => filter.push(piece));
        expect(pieces.join('') + filter.end()).toBe(filtered(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  it('lets nothing through that could act', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(filtered(bytes).replaceAll(ALLOWED, '')).not.toMatch(CONTROL);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a title', `${ESC}]0;taken\x07`],
    ['the clipboard', `${ESC}]52;c;dGFrZW4=${ESC}\\`],
    ['a query of the clipboard', `${ESC}]52;c;?\x07`],
    ['a query of the terminal', `${ESC}[c${ESC}[>0c${ESC}[6n${ESC}[21t${ESC}P$qm${ESC}\\\x05`],
    ['the mouse, the other screen, modes', `${ESC}[?1000h${ESC}[?1049h${ESC}[?2026h${ESC}[4h`],
    ['clearing what was before', `${ESC}c${ESC}[3J${ESC}[2J${ESC}[1J${ESC}[!p`],
    ['a place anywhere on the screen', `${ESC}[H${ESC}[1;1H${ESC}[5d${ESC}[2;10r`],
    ['a link to a script', `${ESC}]8;;javascript:alert(1)${ESC}\\`],
    ['the same as characters of C1', '\x9d0;taken\x9c\x9b6n\x90$qm\x9c'],
    ['hidden and blinking text', `${ESC}[8m${ESC}[5m`],
    ['a bell', '\x07'],
  ])('drops %s', (_what, sequence) => {
    expect(filtered(`before${sequence}after`)).toBe('beforeafter');
  });

  it.each([
    ['colours', `${ESC}[1;31mred${ESC}[0m`],
    ['a link to the web', `${ESC}]8;;https://example.org/a?b=c${ESC}\\here${ESC}]8;;${ESC}\\`],
    ['a progress bar', `10 %\r${ESC}[K20 %${ESC}[2A`],
  ])('passes %s', (_what, text) => {
    expect(filtered(text)).toBe(text);
  });

  it.each(['0;title', '52;c;'])('shows what follows a string %s that does not end', (begin) => {
    const endless = `${ESC}]${begin}${'A'.repeat(10_000)}`;
    expect(filtered(`${endless}\nshown`)).toContain('\nshown');
    expect(filtered(endless).length).toBeGreaterThan(5000);
  });

  it('replaces what is no UTF-8, and marks that turn the direction of text', () => {
    expect(filtered(new Uint8Array([0x61, 0xff, 0xc0, 0x80, 0x62]))).toMatch(/^a\ufffd+b$/);
    expect(filtered('a\u202eb')).toBe('a\ufffdb');
  });

  it('bounds the marks on one letter', () => {
    expect(filtered(`a${'\u0301'.repeat(1000)}b`).length).toBeLessThan(20);
  });
});

describe('TwoStreams', () => {
  it('keeps half a letter and half a sequence of one stream from the other', () => {
    const streams = new TwoStreams();
    const [first, second] = [encoder.encode('é').subarray(0, 1), encoder.encode('é').subarray(1)];
    const shown =
      streams.push('stdout', first) +
      streams.push('stderr', encoder.encode(`${ESC}[3`)) +
      streams.push('stdout', second) +
      streams.push('stderr', encoder.encode('1mred')) +
      streams.end();
    expect(shown.replaceAll(ALLOWED, '')).toBe('éred');
    expect(shown).toContain(`${ESC}[31mred`);
  });

  it('gives a stream its colour back after the other has spoken', () => {
    const streams = new TwoStreams();
    streams.push('stdout', encoder.encode(`${ESC}[32mgreen`));
    streams.push('stderr', encoder.encode('plain'));
    expect(streams.push('stdout', encoder.encode('green again'))).toBe(
      `${ESC}[0;32m${ESC}]8;;${ESC}\\green again`,
    );
  });
});
