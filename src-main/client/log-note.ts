/** What a monitor has to say at a place in a log, in words. */
import {
  type LogChunk,
  type LogNote,
  LogPlace,
  type SampledLines,
} from '../../native-helper/api/gen/joblet_pb.js';

const PLACES: Readonly<Record<LogPlace, string>> = {
  [LogPlace.UNSPECIFIED]: '',
  [LogPlace.DISK]: 'back on the disk from here on',
  [LogPlace.MEMORY]: 'kept in memory from here on, since the disk did not take it in time',
  [LogPlace.SPILL]: 'kept in logs.spill_dir from here on, since its share of memory was full',
};

/** @returns undefined for a chunk of the job's own bytes. */
export function noteOf({ note, droppedBytes }: LogChunk): string | undefined {
  if (note !== undefined) {
    return noteText(note);
  }
  return droppedBytes === 0n
    ? undefined
    : `the ${counted(droppedBytes, 'byte')} before this are no more: the helper's configuration says what is kept of logs`;
}

export function noteText({ place, sampled }: LogNote): string {
  return sampled === undefined ? PLACES[place] : sampledText(sampled);
}

function sampledText({ lines, bytes, every }: SampledLines): string {
  const what =
    lines === 0n
      ? `${grouped(bytes)} bytes of a line`
      : `${counted(lines, 'line')} (${counted(bytes, 'byte')})`;
  return `${what} left out here: ${every > 1 ? `1 line of ${grouped(BigInt(every))}` : 'nothing'} was kept`;
}

/** `1 line`, `412,300 lines`. */
export function counted(count: bigint, unit: string): string {
  return `${grouped(count)} ${unit}${count === 1n ? '' : 's'}`;
}

function grouped(count: bigint): string {
  return count.toLocaleString('en-US');
}
