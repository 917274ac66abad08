import type { Network } from '../../../native-helper/api/gen/joblet_pb.js';
import { table } from './table.ts';

/** What the network has none of. */
const NOTHING = '-';

export function networkListText(networks: readonly Network[]): string {
  const rows = networks.map(({ name, cidr, bridge }) => [name, cidr || NOTHING, bridge || NOTHING]);
  return table(['NAME', 'CIDR', 'BRIDGE'], rows);
}

export function networkRow(network: Network): Readonly<Record<string, unknown>> {
  return {
    name: network.name,
    cidr: network.cidr || undefined,
    cidr6: network.prefix6 || undefined,
    bridge: network.bridge || undefined,
    jobs: network.jobs,
    built_in: network.builtIn,
  };
}
