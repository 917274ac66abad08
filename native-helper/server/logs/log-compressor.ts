/** Compresses what of a log is cold: frame by frame, so that a reader of any line decompresses little. */
import { setTimeout as delay } from 'node:timers/promises';
import { ChunkCheck } from './chunk-check.ts';
import { FRAME_BYTES, FRAMES_AT_ONCE, type PackedFrame, packFrame } from './log-frames.ts';
import type { StoredLog } from './stored-log.ts';

/** So much more room than before is needed at one time, about: on a disk that is nearly full there is no more. */
const PACKED_AT_ONCE = 512 * 1024;

export interface Compression {
  /** Of the log: what lies before it is cold. */
  readonly until: number;
  /** Nothing comes after it, so that the last frame may be a short one. */
  readonly isWhole: boolean;
  /** For each millisecond of work so many of rest: it has time, the jobs have not. */
  readonly restFactor: number;
  readonly signal: AbortSignal;
}

/**
 * What is compressed is on the disk before its place in `log` is given back; whenever it ends, the log is whole.
 *
 * @throws JobletError (internal) when a chunk has other bytes than the monitor read; what the file system throws, ENOSPC too.
 */
export async function compressLog(log: StoredLog, compression: Compression): Promise<void> {
  const { signal } = compression;
  const buffer = Buffer.allocUnsafeSlow(FRAME_BYTES);
  const chunks = new ChunkCheck(log.index);
  while (!signal.aborted) {
    const frames = await nextFrames(log, compression, buffer, chunks);
    if (frames.length === 0) {
      return;
    }
    await log.append(frames);
  }
}

async function nextFrames(
  log: StoredLog,
  { until, isWhole, restFactor, signal }: Compression,
  buffer: Buffer,
  chunks: ChunkCheck,
): Promise<PackedFrame[]> {
  const frames: PackedFrame[] = [];
  let offset = log.plainStart;
  let packedBytes = 0;
  while (frames.length < FRAMES_AT_ONCE && packedBytes < PACKED_AT_ONCE && !signal.aborted) {
    const length = Math.min(FRAME_BYTES, until - offset);
    if (length <= 0 || (length < FRAME_BYTES && !isWhole)) {
      break;
    }
    const begun = performance.now();
    const bytes = buffer.subarray(0, await log.readPlain(buffer.subarray(0, length), offset));
    if (bytes.length < length) {
      break;
    }
    await chunks.look(bytes, offset);
    const frame = await packFrame(bytes);
    frames.push(frame);
    packedBytes += frame.packed?.length ?? 0;
    offset += length;
    await delay((performance.now() - begun) * restFactor, undefined, { signal }).catch(() => undefined);
  }
  return frames;
}
