/** What a job may ask for, by chance: each of it takes something of the machine that must be given back. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { JobletError } from '../../native-helper/api/errors.ts';
import {
  type JobSpec,
  type JobSpecSchema,
  type Limits,
  type LimitsSchema,
  LogOverflow,
  VolumeType,
} from '../../native-helper/api/gen/joblet_pb.js';
import { landlockAbi } from '../../native-helper/kernel/system-call.ts';
import type { Client } from '../../src-main/client/index.ts';
import type { Random } from '../fixtures/random.ts';

type Options = Exclude<MessageInitShape<typeof JobSpecSchema>, { $typeName: string }>;
/** All that a job may ask for, besides what it runs. */
type Field = Exclude<keyof JobSpec, '$typeName' | '$unknown' | 'command' | 'args'>;

type Limited = Exclude<MessageInitShape<typeof LimitsSchema>, { $typeName: string }>;
type Limit = Exclude<keyof Limits, '$typeName' | '$unknown'>;

/** Where the jobs run. */
export interface Host {
  readonly lent: string;
  /** What it can't give, and why: a job that asked for it would be refused before it took anything. */
  readonly impossible: ReadonlyMap<string, string>;
}

type Draw<Part> = (random: Random, host: Host) => Part;

const PROBABILITY = 0.25;
const LIMIT_PROBABILITY = 0.5;
const IO_WEIGHT = 50;
const LATEST_START_MS = 300;
const FIRST_PORT = 20_000;
const PORTS = 10_000;
const NETWORK = { name: 'leakcheck', cidr: '10.231.7.0/26' };
const CONTROLLERS = ['cpu', 'cpuset', 'io', 'memory', 'pids'];
const NETWORKS = ['host', 'none', 'isolated', 'bridge', NETWORK.name];
const VOLUMES = [
  { name: 'disk', type: VolumeType.FILESYSTEM, sizeBytes: 8_388_608n },
  { name: 'memory', type: VolumeType.MEMORY, sizeBytes: 4_194_304n },
];

/** What jobs with uploads get. */
export const UPLOADED = import.meta.dirname;

/** A limit that is new must come in here: it does not compile without. Each is far from what ends a job of the check. */
const LIMITS: Readonly<Record<Limit, Draw<Limited>>> = {
  pids: (random) => ({ pids: BigInt(50 + random.below(50)) }),
  memoryBytes: () => ({ memoryBytes: 67_108_864n }),
  memoryHighBytes: () => ({ memoryHighBytes: 50_331_648n }),
  swapBytes: () => ({ memoryBytes: 67_108_864n, swapBytes: 0n }),
  cpuPercent: (random) => ({ cpuPercent: 100 + random.below(100) }),
  cpuWeight: (random) => ({ cpuWeight: 1 + random.below(200) }),
  cpuCores: () => ({ cpuCores: '0' }),
  ioBytesPerSecond: () => ({ ioBytesPerSecond: 104_857_600n }),
  ioWeight: () => ({ ioWeight: IO_WEIGHT }),
};

/** A field of the specification that is new must come in here: it does not compile without. */
export const OPTIONS: Readonly<Record<Field, Draw<Options>>> = {
  name: () => ({ name: 'leak check' }),
  environment: () => ({ environment: { COLOUR: 'blue' } }),
  secretEnvironment: () => ({ secretEnvironment: { PIN: '1234' } }),
  limits: (random, host) => ({ limits: drawn(LIMITS, LIMIT_PROBABILITY, random, host) }),
  timeoutMs: (random) => ({ timeoutMs: BigInt(50 + random.below(2000)) }),
  stopGraceMs: () => ({ stopGraceMs: 100n }),
  workDir: () => ({ workDir: '/tmp' }),
  hostname: (random) => ({ hostname: `job-${random.below(5)}` }),
  seccompLevel: (random) => ({ seccompLevel: random.below(4) }),
  volumes: (random) => ({ volumes: VOLUMES.map(({ name }) => ({ name, readOnly: random.chance(0.5) })) }),
  // At level 0 no folder is lent for writing.
  mounts: (random, { lent }) => ({
    seccompLevel: 1 + random.below(3),
    mounts: [
      { source: lent, target: '/seen', readOnly: true },
      { source: lent, target: '/lent', readOnly: random.chance(0.3) },
    ],
  }),
  labels: (random) => ({ labels: { round: String(random.below(10)), leakcheck: '' } }),
  startAtUs: (random) => ({ startAtUs: BigInt(Date.now() + random.below(LATEST_START_MS)) * 1000n }),
  retry: (random) => ({
    retry: { attempts: 1 + random.below(3), delayMs: BigInt(random.below(100)), backoff: random.below(3) },
  }),
  terminal: () => ({ terminal: { columns: 80, rows: 24 }, stdin: false }),
  stdin: () => ({ stdin: true, terminal: undefined }),
  network: (random) => ({ network: random.choose(NETWORKS) }),
  // Two may want the same one: then the second is refused, half way.
  ports: (random) => ({
    network: random.choose(NETWORKS.slice(2)),
    ports: [`${FIRST_PORT + random.below(PORTS)}:80`, `127.0.0.1:${FIRST_PORT + random.below(3)}:53/udp`],
  }),
  workBytes: () => ({ workBytes: 4_194_304n }),
  require: () => ({ require: ['landlock-scopes'] }),
  uploads: () => ({ uploads: [UPLOADED] }),
  logOverflow: () => ({ logOverflow: LogOverflow.BLOCK }),
  tcpPorts: (random) => ({ tcpPorts: { connect: '80,443', bind: random.choose(['', '8000-8010']) } }),
};

/** @param lent a folder of ours, for jobs to read and to write */
export async function hostOf(client: Client, lent: string): Promise<Host> {
  const { controllers } = await client.helper.getStatus({});
  const missing = CONTROLLERS.filter((controller) => !controllers.includes(controller));
  const abi = landlockAbi();
  const impossible = new Map<string, string>([
    ...(missing.length > 0 ? [['limits', `cgroup v2 has no ${missing.join(', ')} here`] as const] : []),
    ...(abi < 4 ? [['tcpPorts', `Landlock is of ABI ${abi}`] as const] : []),
    ...(abi < 6 ? [['require', `Landlock is of ABI ${abi}`] as const] : []),
  ]);
  if (!impossible.has('limits')) {
    await client.jobs
      .runJob({ spec: { command: 'true', limits: { ioWeight: IO_WEIGHT } } })
      .catch((error: unknown) => {
        if (!(error instanceof JobletError && error.kind === 'refused')) {
          throw error;
        }
        impossible.set('ioWeight', error.message);
      });
  }
  return { lent, impossible };
}

export function randomOptions(random: Random, host: Host): Options {
  return drawn(OPTIONS, PROBABILITY, random, host);
}

/** Each of them with this probability, and none that this machine can't give. */
function drawn<Part extends object>(
  parts: Readonly<Record<string, Draw<Part>>>,
  probability: number,
  random: Random,
  host: Host,
): Part {
  const possible = Object.entries(parts).filter(([name]) => !host.impossible.has(name));
  return Object.assign(
    {},
    ...possible.flatMap(([, draw]) => (random.chance(probability) ? [draw(random, host)] : [])),
  );
}

/** Those that jobs of `randomOptions` use. Done twice, it does no harm: an answer may be lost with a helper. */
export async function makeNetwork(client: Client): Promise<void> {
  await client.networks.createNetwork(NETWORK).catch(unless('conflict'));
}

/** No job may use it any more. */
export async function removeNetwork(client: Client): Promise<void> {
  await client.networks.removeNetwork({ name: NETWORK.name }).catch(unless('not_found'));
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
