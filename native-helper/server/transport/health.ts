/** The standard health service: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
import { once } from 'node:events';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import { type Health, HealthCheckResponse_ServingStatus } from '../../api/gen/grpc/health/v1/health_pb.js';

const { SERVING, SERVICE_UNKNOWN } = HealthCheckResponse_ServingStatus;

/** @param services full names; the empty name stands for the whole helper. While it answers at all, they are served. */
export function createHealthService(services: readonly string[]): ServiceImpl<typeof Health> {
  const isKnown = (service: string): boolean => service === '' || services.includes(service);
  return {
    check({ service }) {
      if (!isKnown(service)) {
        throw new ConnectError('no such service', Code.NotFound);
      }
      return { status: SERVING };
    },
    async *watch({ service }, { signal }) {
      yield { status: isKnown(service) ? SERVING : SERVICE_UNKNOWN };
      // The state never changes, and the stream must stay open as long as the client wants it.
      if (!signal.aborted) {
        await once(signal, 'abort');
      }
    },
  };
}
