/** What jobs share and what outlives them: volumes and networks. */
import { type Network, type Volume, VolumeType } from '../../native-helper/api/gen/joblet_pb.js';
import type { RequestPayload, Response } from '../ipc/contract.ts';
import type { Link } from './link.ts';

const TYPES = { filesystem: VolumeType.FILESYSTEM, memory: VolumeType.MEMORY } as const;

export async function listVolumes(link: Link, signal: AbortSignal): Promise<Response<'volumes.list'>> {
  const { volumes } = await link.client.volumes.listVolumes({}, { signal });
  return volumes.map(volumeOf);
}

export async function createVolume(
  link: Link,
  { name, type, sizeBytes }: RequestPayload<'volumes.create'>,
): Promise<void> {
  await link.client.volumes.createVolume({ name, type: TYPES[type], sizeBytes });
}

export async function removeVolume(link: Link, name: string): Promise<void> {
  await link.client.volumes.removeVolume({ name });
}

export async function listNetworks(link: Link, signal: AbortSignal): Promise<Response<'networks.list'>> {
  const { networks } = await link.client.networks.listNetworks({}, { signal });
  return networks.map(networkOf);
}

export async function createNetwork(
  link: Link,
  { name, cidr }: RequestPayload<'networks.create'>,
): Promise<void> {
  await link.client.networks.createNetwork({ name, cidr });
}

export async function removeNetwork(link: Link, name: string): Promise<void> {
  await link.client.networks.removeNetwork({ name });
}

function volumeOf({ name, type, sizeBytes, usedBytes, jobs, fault }: Volume) {
  return {
    name,
    type: type === VolumeType.MEMORY ? ('memory' as const) : ('filesystem' as const),
    sizeBytes: Number(sizeBytes),
    usedBytes: usedBytes === undefined ? null : Number(usedBytes),
    jobs,
    fault,
  };
}

function networkOf({ name, cidr, prefix6, bridge, jobs, builtIn }: Network) {
  return { name, cidr, prefix6, bridge, jobs, builtIn };
}
