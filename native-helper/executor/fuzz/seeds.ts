/**
 * Where the fuzzer begins: a few plans and orders of sessions that use everything their formats have, and each of them broken in every way
 * that a writer could break it. The fuzzer finds its own way from there.
 */
import { execOrder, resizeOrder } from '../../server/jobs/session-frames.ts';
import { encodePlan } from '../../server/plan/encode.ts';
import type { IdRange, Mount, Plan } from '../../server/plan/plan.ts';

/** What the harness was built with. */
const BUILD_ID = new Uint8Array(32);
const HEADER_BYTES = 64;

const ROOT: Plan['mounts'][0] = {
  kind: 'tmpfs',
  target: '/',
  attributes: ['readOnly', 'noSuid', 'noDevices'],
  size: 1n << 20n,
  mode: 0o755,
  uid: 0,
  gid: 0,
};

/** Uses as little of the format as a plan can. */
export const SMALL: Plan = {
  uuid: '01234567-89ab-cdef-0123-456789abcdef',
  namespaces: {
    pid: true,
    mount: true,
    ipc: false,
    uts: false,
    cgroup: false,
    user: false,
    network: { kind: 'host' },
  },
  credentials: { uid: 65_534, gid: 65_534, groups: [], capabilities: 0n },
  idRanges: [],
  idMaps: [],
  mounts: [ROOT],
  devices: [],
  limits: [],
  resourceLimits: [],
  environment: [],
  argv: ['true'],
  workDirectory: '/',
  log: { overflow: 'continue', memoryBytes: 1n << 20n },
  timeoutMs: 0n,
  stopGraceMs: 0n,
  nice: 0,
  oomScoreAdjustment: 0,
};

const MOUNTS: readonly Mount[] = [
  { kind: 'bind', target: '/usr', source: 10, attributes: ['readOnly', 'noSuid', 'noDevices', 'recursive'] },
  { kind: 'bind', target: '/etc/hosts', source: 11, attributes: ['file', 'noExec'] },
  { kind: 'bind', target: '/home/ann', source: 12, attributes: ['idmapped'] },
  { ...ROOT, target: '/tmp', attributes: ['noSuid'] },
  { kind: 'proc', target: '/proc', attributes: ['noSuid'] },
  { kind: 'devpts', target: '/dev/pts', attributes: [] },
  { kind: 'mqueue', target: '/dev/mqueue', attributes: [] },
  { kind: 'directory', target: '/var/...', mode: 0o755 },
  { kind: 'file', target: '/etc/x', mode: 0o644, content: Buffer.from('x\0y') },
  { kind: 'symlink', target: '/bin', leadsTo: 'usr/bin' },
  { kind: 'mask', target: '/proc/kcore' },
  { kind: 'readOnlyPath', target: '/proc/sys' },
];

const LARGE: Plan = {
  ...SMALL,
  namespaces: {
    pid: true,
    mount: true,
    ipc: true,
    uts: true,
    cgroup: true,
    user: true,
    network: { kind: 'join', slot: 12 },
  },
  hostname: 'job',
  credentials: { uid: 1000, gid: 1000, groups: [4, 20], capabilities: 1n << 10n },
  idRanges: [
    { kind: 'uid', inside: 0, outside: 100_000, count: 65_536 },
    { kind: 'gid', inside: 0, outside: 100_000, count: 65_536 },
  ],
  idMaps: [
    { kind: 'uid', inside: 1000, outside: 65_534, count: 1 },
    { kind: 'gid', inside: 1000, outside: 65_534, count: 1 },
  ],
  mounts: [ROOT, ...MOUNTS],
  devices: [
    {
      type: 'character',
      major: 1,
      minor: 3,
      mode: 0o666,
      access: ['read', 'write', 'mknod'],
      path: '/dev/null',
    },
    { type: 'block', major: 8, minor: 0, mode: 0o440, access: ['read'], path: '/dev/sda' },
  ],
  limits: [{ file: 'cpu.max', written: '50000 100000', readBack: '50000 100000' }],
  resourceLimits: [
    { resource: 4, soft: 1n, hard: 1n },
    { resource: 7, soft: 1024n, hard: undefined },
  ],
  environment: ['PATH=/usr/bin:/bin', 'EMPTY='],
  // The last takes whole words, so that nothing pads it.
  argv: ['sh', '-c', 'true', '', 'env'],
  workDirectory: '/work',
  seccomp: { log: true, listen: true, level: 2, instructions: Buffer.from('0600000000000000', 'hex') },
  landlock: { scopes: ['abstractSockets', 'signals'], bind: [80, 8080], connect: [443] },
  input: { kind: 'terminal', columns: 80, rows: 24 },
  log: { overflow: 'block', memoryBytes: 1n << 26n, spill: { slot: 13, bytes: 1n << 30n } },
  timeoutMs: 1000n,
  stopGraceMs: 10_000n,
  nice: 19,
  oomScoreAdjustment: -1000,
};

interface RecordPlace {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

function recordsOf(plan: Buffer): RecordPlace[] {
  const records: RecordPlace[] = [];
  for (let start = HEADER_BYTES; start < plan.length; ) {
    const end = start + 8 + ((plan.readUInt32LE(start + 4) + 7) & ~7);
    records.push({ type: plan.readUInt16LE(start), start, end });
    start = end;
  }
  return records;
}

function withHeader(plan: Buffer): Buffer {
  plan.writeUInt32LE(plan.length, 12);
  plan.writeUInt32LE(recordsOf(plan).length, 16);
  return plan;
}

/** Without each record, with each record twice, and with each record as the last, behind which nothing may be read. */
function reshaped(plan: Buffer): Buffer[] {
  return recordsOf(plan).flatMap(({ start, end }) => {
    const [before, record, after] = [plan.subarray(0, start), plan.subarray(start, end), plan.subarray(end)];
    return [
      [before, after],
      [before, record, record, after],
      [before, after, record],
    ].map((parts) => withHeader(Buffer.concat(parts)));
  });
}

/** With each aligned word of the header and the records set to what parsers stumble over. */
function disturbed(plan: Buffer): Buffer[] {
  const values = [0, 1, 0xff, 0x7fff_ffff, 0xffff_ffff];
  const offsets = Array.from({ length: Math.floor(plan.length / 4) }, (_, index) => index * 4);
  return offsets.flatMap((offset) =>
    values.map((value) => {
      const copy = Buffer.from(plan);
      copy.writeUInt32LE(value, offset);
      return copy;
    }),
  );
}

function tooMany(repeated: Partial<Plan>): Buffer {
  return encodePlan({ ...LARGE, ...repeated }, BUILD_ID);
}

/** One more than may be. */
function crowded(): Buffer[] {
  const mount: Mount = { kind: 'mask', target: '/x' };
  return [
    tooMany({ mounts: [ROOT, ...Array<Mount>(1024).fill(mount)] }),
    tooMany({ credentials: { ...LARGE.credentials, groups: Array<number>(65).fill(1) } }),
    tooMany({ input: { kind: 'pipe' } }),
    tooMany({ seccomp: { log: false, listen: false, level: 2, instructions: Buffer.alloc(8 * 4097) } }),
    tooMany({ idMaps: Array<IdRange>(129).fill({ kind: 'uid', inside: 1, outside: 1, count: 1 }) }),
    tooMany({ landlock: { scopes: [], bind: undefined, connect: Array<number>(1025).fill(80) } }),
    tooMany({ landlock: { scopes: [], bind: Array<number>(1025).fill(80), connect: undefined } }),
    tooMany({ landlock: { scopes: [], bind: undefined, connect: undefined } }),
  ];
}

/** With a record of a type that lies among the known ones and is none. */
function ofUnknownType(plan: Buffer): Buffer {
  const copy = Buffer.from(plan);
  copy.writeUInt16LE(17, HEADER_BYTES);
  return copy;
}

const FRAME_HEADER_BYTES = 8;

/** What is said in sessions: headers, sizes, commands. */
function sessionSeeds(): Buffer[] {
  const terminal = { columns: 80, rows: 24 };
  const frames = [
    resizeOrder(terminal),
    execOrder({ argv: ['true'], terminal: undefined, hasInput: false, term: '' }),
    execOrder({ argv: ['sh', '-c', ''], terminal, hasInput: true, term: 'xterm-256color' }),
  ];
  const payloads = frames.map((frame) => frame.subarray(FRAME_HEADER_BYTES));
  return [
    ...frames.map((frame) => frame.subarray(0, FRAME_HEADER_BYTES)),
    ...payloads.flatMap((payload) => [
      payload,
      payload.subarray(0, -1),
      Buffer.concat([payload, Buffer.alloc(1)]),
    ]),
    ...[...frames, ...payloads].flatMap(disturbed),
  ];
}

/** @returns plans and what is said in sessions, whole and broken. */
export function seeds(): Buffer[] {
  const whole = [SMALL, LARGE].map((plan) => encodePlan(plan, BUILD_ID));
  return [
    ...whole,
    ...whole.flatMap(reshaped),
    ...whole.flatMap(disturbed),
    ...crowded(),
    ...whole.map(ofUnknownType),
    ...sessionSeeds(),
    Buffer.alloc(0),
    Buffer.alloc(HEADER_BYTES - 1),
  ];
}
