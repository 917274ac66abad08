/** A note in a log as the API has it. */
import { create } from '@bufbuild/protobuf';
import { LogNoteSchema, LogPlace, type LogNote as NoteMessage } from '../../api/gen/joblet_pb.js';
import type { LogNote } from './log-index.ts';

const PLACES = { disk: LogPlace.DISK, memory: LogPlace.MEMORY, spill: LogPlace.SPILL } as const;

export function noteMessage(note: LogNote): NoteMessage {
  if (note.kind !== 'sampled') {
    return create(LogNoteSchema, { place: PLACES[note.kind] });
  }
  const { every, lines, bytes } = note;
  return create(LogNoteSchema, { sampled: { every, lines: BigInt(lines), bytes: BigInt(bytes) } });
}
