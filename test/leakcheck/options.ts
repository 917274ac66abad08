/** What a job may ask for, by chance: each of it takes something of the machine that must be given back. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { JobletError } from '../../native-helper/api/errors.ts';
import { type JobSpecSchema, VolumeType } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../src-main/client/index.ts';
import type { Random } from './random.ts';

type Options = Exclude<MessageInitShape<typeof JobSpecSchema>, { $typeName: string }>;

const PROBABILITY = 0.25;
const LATEST_START_MS = 300;
const VOLUMES = [
  { name: 'disk', type: VolumeType.FILESYSTEM, sizeBytes: 8_388_608n },
  { name: 'memory', type: VolumeType.MEMORY, sizeBytes: 4_194_304n },
];

export const OPTIONS: readonly ((random: Random) => Options)[] = [
  (random) => ({ startAtUs: BigInt(Date.now() + random.below(LATEST_START_MS)) * 1000n }),
  (random) => ({
    retry: { attempts: 1 + random.below(3), delayMs: BigInt(random.below(100)), backoff: random.below(3) },
  }),
  (random) => ({ labels: { round: String(random.below(10)), leakcheck: '' } }),
  (random) => ({ volumes: VOLUMES.map(({ name }) => ({ name, readOnly: random.chance(0.5) })) }),
  () => ({ secretEnvironment: { PIN: '1234' } }),
  (random) => ({ timeoutMs: BigInt(50 + random.below(2000)), stopGraceMs: 100n }),
];

export function randomOptions(random: Random): Options {
  return Object.assign(
    {},
    ...OPTIONS.flatMap((option) => (random.chance(PROBABILITY) ? [option(random)] : [])),
  );
}

/** Those that jobs of `randomOptions` use. Done twice, it does no harm: an answer may be lost with a helper. */
export async function makeVolumes(client: Client): Promise<void> {
  for (const volume of VOLUMES) {
    await client.volumes.createVolume(volume).catch(unless('conflict'));
  }
}

/** No job may use them any more. */
export async function removeVolumes(client: Client): Promise<void> {
  for (const { name } of VOLUMES) {
    await client.volumes.removeVolume({ name }).catch(unless('not_found'));
  }
}

function unless(kind: JobletError['kind']): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof JobletError && error.kind === kind)) {
      throw error;
    }
  };
}
