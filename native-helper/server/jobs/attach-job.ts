/** The input of a running job for one caller: what it sends goes to the monitor, which tells how far the job's input has taken it. */
import { create } from '@bufbuild/protobuf';
import {
  type AttachJobRequest,
  type AttachJobResponse,
  AttachJobResponseSchema,
  InputClosedSchema,
} from '../../api/gen/joblet_pb.js';
import { notTaken, type Session } from './session.ts';
import { attachOrder } from './session-frames.ts';

export interface Attachment {
  readonly uuid: string;
  readonly session: Session;
  readonly hasTerminal: boolean;
  /** What comes after the start. */
  readonly messages: AsyncIterable<AttachJobRequest>;
}

/** Ends with the job, or when the caller leaves. */
export async function* attachJob({
  uuid,
  session,
  hasTerminal,
  messages,
}: Attachment): AsyncGenerator<AttachJobResponse> {
  await session.send(attachOrder());
  let isAttached = false;
  let fault: unknown;
  for await (const { event, payload } of session.frames()) {
    switch (event) {
      case 'started':
        isAttached = true;
        session.obey(messages, !hasTerminal).catch((error: unknown) => {
          fault = error;
          session[Symbol.dispose]();
        });
        yield answer({ case: 'attached', value: payload.readBigUInt64LE() });
        break;
      case 'taken':
        yield answer({ case: 'taken', value: payload.readBigUInt64LE() });
        break;
      case 'inputClosed':
        yield answer({ case: 'inputClosed', value: create(InputClosedSchema) });
        break;
      default:
        throw new Error(`a monitor said ${event} to who was attached`);
    }
  }
  if (fault !== undefined) {
    throw fault;
  }
  if (!isAttached) {
    throw notTaken(uuid);
  }
}

function answer(event: AttachJobResponse['event']): AttachJobResponse {
  return create(AttachJobResponseSchema, { event });
}
