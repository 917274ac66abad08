/** The network service: from messages to the networks and back. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { NetworkService } from '../../api/gen/joblet_pb.js';
import type { Networks } from '../networks/networks.ts';

export function createNetworkService(networks: Networks): ServiceImpl<typeof NetworkService> {
  return {
    createNetwork: (request) => networks.create(request.name, request.cidr),
    listNetworks: () => ({ networks: networks.list() }),
    removeNetwork: async (request) => {
      await networks.remove(request.name);
      return {};
    },
  };
}
