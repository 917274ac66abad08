import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { LogChunkSchema, LogNoteSchema, LogPlace } from '../../native-helper/api/gen/joblet_pb.js';
import { noteOf, noteText } from './log-note.ts';

it.each<[MessageInitShape<typeof LogNoteSchema>, string]>([
  [{ place: LogPlace.DISK }, 'back on the disk from here on'],
  [{ place: LogPlace.MEMORY }, 'kept in memory from here on, since the disk did not take it in time'],
  [
    { sampled: { lines: 412_300n, bytes: 26_387_200n, every: 10 } },
    '412,300 lines (26,387,200 bytes) left out here: 1 line of 10 was kept',
  ],
  [{ sampled: { lines: 1n, bytes: 9n, every: 0 } }, '1 line (9 bytes) left out here: nothing was kept'],
  [
    { sampled: { lines: 0n, bytes: 70_000n, every: 1000 } },
    '70,000 bytes of a line left out here: 1 line of 1,000 was kept',
  ],
])('note %# in words', (note, text) => {
  expect(noteText(create(LogNoteSchema, note))).toBe(text);
});

it('says how many bytes are no more, and nothing of bytes that are there', () => {
  expect(noteOf(create(LogChunkSchema, { offset: 5n, droppedBytes: 1200n }))).toMatch(
    /^the 1,200 bytes before this/,
  );
  expect(noteOf(create(LogChunkSchema, { data: Uint8Array.of(1) }))).toBeUndefined();
});
