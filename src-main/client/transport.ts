/** gRPC to one endpoint, whose errors are ours. (An interceptor could not do it: the library wraps what it throws.) */

import type { TLSSocket } from 'node:tls';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { HelperService } from '../../native-helper/api/gen/joblet_pb.js';
import type { Endpoint } from './endpoint.ts';
import { isInterruption, toJobletError } from './errors.ts';
import { Liveness } from './liveness.ts';
import { WholeBodySessionManager } from './response-body.ts';

/** The name stands in the certificate; the socket decides where it leads. */
const BASE_URL = 'https://joblet-helper';

export interface ClosableTransport extends Transport {
  close(): void;
}

/** The connection is made by the first call, and again by the first call after it broke. */
export function openTransport(endpoint: Endpoint): ClosableTransport {
  let socket: TLSSocket | undefined;
  const createConnection = () => {
    socket = endpoint.open();
    return socket;
  };
  const sessionManager = new WholeBodySessionManager(BASE_URL, {}, { createConnection });
  const grpc = createGrpcTransport({ baseUrl: BASE_URL, sessionManager, acceptCompression: [] });
  const { getStatus } = HelperService.method;
  const liveness = new Liveness({
    bytesRead: () => socket?.bytesRead ?? 0,
    ask: () => void grpc.unary(getStatus, undefined, undefined, undefined, {}).catch(() => {}),
    giveUp: () => socket?.destroy(),
  });
  return {
    unary(method, signal, ...rest) {
      const call = async () => {
        using _ = liveness.call(signal);
        try {
          return await grpc.unary(method, signal, ...rest);
        } catch (error) {
          throw errorOf(error, endpoint, method.name, signal);
        }
      };
      const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      return isRead ? onceMore(call) : call();
    },
    async stream(method, signal, ...rest) {
      const map = (error: unknown) => errorOf(error, endpoint, method.name, signal);
      const call = liveness.call(signal);
      try {
        const response = await grpc.stream(method, signal, ...rest);
        return { ...response, message: mapThrown(response.message, map, call) };
      } catch (error) {
        call[Symbol.dispose]();
        throw map(error);
      }
    },
    close: () => sessionManager.abort(),
  };
}

/** A read that the helper's end has cut off is asked again: a restarted helper may be there already. */
async function onceMore<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isInterruption(error)) {
      return call();
    }
    throw error;
  }
}

async function* mapThrown<T>(
  messages: AsyncIterable<T>,
  map: (error: unknown) => unknown,
  call: Disposable,
): AsyncIterable<T> {
  using _ = call;
  try {
    yield* messages;
  } catch (error) {
    throw map(error);
  }
}

/** What the caller cancelled throws what the caller gave as the reason. */
function errorOf(
  error: unknown,
  endpoint: Endpoint,
  method: string,
  signal: AbortSignal | undefined,
): unknown {
  return signal?.aborted ? signal.reason : toJobletError(error, endpoint, method);
}
