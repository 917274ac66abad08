/** Parts of a log for the viewer, each bounded: bytes around an offset, lines that match, where a time lies. */
import type { LogChunk } from '../../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../client/index.ts';
import { noteOf } from '../../client/log-note.ts';
import type { LogPiece, RequestPayload, Response } from '../../ipc/contract.ts';
import type { Link } from '../link.ts';
import { acrossLosses } from './across-losses.ts';
import { LOG_STREAMS, streamNameOf } from './log-streams.ts';

/** A job that writes single bytes has a piece for each. */
const PIECES_MAXIMUM = 32_768;

export function readLogPart(
  link: Link,
  request: RequestPayload<'log.read'>,
  signal: AbortSignal,
): Promise<Response<'log.read'>> {
  return acrossLosses(link, signal, (client) => partOf(client, request, signal));
}

async function partOf(
  { jobs }: Client,
  { uuid, stream, from, to, edge, bytes }: RequestPayload<'log.read'>,
  signal: AbortSignal,
): Promise<Response<'log.read'>> {
  const part: Response<'log.read'> = { pieces: [], notes: [], isAll: true, logBytes: 0 };
  if (to !== null && to <= from) {
    return part;
  }
  const asked = {
    id: uuid,
    stream: LOG_STREAMS[stream],
    offset: BigInt(from),
    endOffset: BigInt(to ?? 0),
    tailBytes: BigInt(edge === 'last' ? bytes : 0),
  };
  let left = bytes;
  for await (const chunk of jobs.getLogs(asked, { signal })) {
    const text = noteOf(chunk);
    if (text !== undefined) {
      part.notes.push({ offset: Number(chunk.offset), text });
      continue;
    }
    part.logBytes = Number(chunk.logBytes);
    part.pieces.push(pieceOf(chunk, chunk.data.subarray(0, left)));
    left -= chunk.data.length;
    if (left <= 0 || part.pieces.length > PIECES_MAXIMUM) {
      part.isAll = false;
      if (edge === 'first') {
        break;
      }
      part.pieces.splice(0, part.pieces.length - PIECES_MAXIMUM);
    }
  }
  return part;
}

export function pieceOf(chunk: LogChunk, data: Uint8Array): LogPiece {
  return {
    offset: Number(chunk.offset),
    timeUs: Number(chunk.timeUs),
    stream: streamNameOf(chunk),
    data,
  };
}

/** @returns null when nothing came then or later. */
export function findTimeInLog(
  link: Link,
  { uuid, stream, timeUs }: RequestPayload<'log.find-time'>,
  signal: AbortSignal,
): Promise<Response<'log.find-time'>> {
  return acrossLosses(link, signal, async ({ jobs }) => {
    const since = { id: uuid, stream: LOG_STREAMS[stream], sinceUs: BigInt(timeUs) };
    for await (const { offset } of jobs.getLogs(since, { signal })) {
      return { offset: Number(offset) };
    }
    return { offset: null };
  });
}
