/** The volume service: from messages to the volume manager and back. */
import type { ServiceImpl } from '@connectrpc/connect';
import type { VolumeService } from '../../api/gen/joblet_pb.js';
import type { VolumeManager } from '../volumes/volume-manager.ts';
import { callerOf } from './caller.ts';

export function createVolumeService(volumes: VolumeManager): ServiceImpl<typeof VolumeService> {
  return {
    createVolume: (request, context) => volumes.create(request, callerOf(context).uid),
    listVolumes: () => ({ volumes: volumes.list() }),
    removeVolume: async ({ name }) => {
      await volumes.remove(name);
      return {};
    },
  };
}
