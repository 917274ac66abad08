/** What jobs with a network of their own need of this machine. None of it is needed by the others. */
import { create } from '@bufbuild/protobuf';
import { JobletError } from '../../api/errors.ts';
import { type DoctorCheck, DoctorCheckSchema } from '../../api/gen/joblet_pb.js';
import * as host from './host.ts';
import type { KernelNames } from './names.ts';
import { forwardBlocks, mendOf } from './other-firewalls.ts';
import { findProgram, type ProgramPlaces } from './programs.ts';

type Finding = Pick<DoctorCheck, 'available' | 'found' | 'mend'>;

export function networkChecks(places: ProgramPlaces, names: KernelNames): Promise<DoctorCheck[]> {
  return Promise.all([
    check('networks: ip', async () => {
      const path = findProgram('ip', places);
      await host.devices(path);
      return fine(path);
    }),
    check('networks: nft and forwarding', async () => {
      const path = findProgram('nft', places);
      const [block] = await forwardBlocks(path, names.table, names.bridgePrefix);
      return block === undefined
        ? fine(`${path}; no firewall forbids forwarding`)
        : {
            available: false,
            found: `${block.owner} forbids forwarding: ${block.chain}`,
            mend: mendOf(block, `${names.bridgePrefix}*`),
          };
    }),
    check('networks: IPv4 forwarding', async () =>
      fine(host.forwardsIpv4() ? 'on' : 'off; the first job that needs it switches it on'),
    ),
  ]);
}

async function check(name: string, examine: () => Promise<Finding>): Promise<DoctorCheck> {
  return create(DoctorCheckSchema, { name, required: false, ...(await examine().catch(failed)) });
}

function fine(found: string): Finding {
  return { available: true, found, mend: '' };
}

function failed(error: unknown): Finding {
  if (!(error instanceof JobletError)) {
    throw error;
  }
  const { object, reason, mend } = error.details;
  return { available: false, found: `${object}: ${reason}`, mend };
}
