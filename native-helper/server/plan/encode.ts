/** Plan → bytes, exactly as docs/plan-format.md says. */
import { JobletError } from '../../api/errors.ts';
import type {
  Credentials,
  Device,
  IdRange,
  Landlock,
  LogPlan,
  Mount,
  MountAttribute,
  Namespaces,
  Plan,
  SeccompProgram,
} from './plan.ts';

const PLAN_VERSION = 3;
const MAX_PLAN_BYTES = 4 * 1024 * 1024;
const MAX_RECORDS = 65_536;
/** SHA-256 */
const BUILD_ID_BYTES = 32;
const MAX_STRING_BYTES = 131_071;

const RECORD_HEADER_BYTES = 8;
const MAGIC = 'JOBLPLAN';
const INFINITY = 2n ** 64n - 1n;
const NO_SLOT = -1;

const RECORD = {
  job: 1,
  namespaces: 2,
  hostname: 3,
  credentials: 4,
  idRange: 5,
  mount: 6,
  device: 7,
  limit: 8,
  resourceLimit: 9,
  environment: 10,
  argument: 11,
  workDirectory: 12,
  seccomp: 13,
  times: 14,
  scheduling: 15,
  landlock: 16,
  input: 17,
  idMap: 18,
  log: 19,
} as const;

const NAMESPACE_FLAG = { pid: 1, mount: 2, ipc: 4, uts: 8, cgroup: 16, user: 32 } as const;
const NETWORK = { host: 0, new: 1, join: 2 } as const;
const LOG_OVERFLOW = { continue: 0, block: 1 } as const;
const ID_KIND = { uid: 0, gid: 1 } as const;
const MOUNT_KIND: Record<Mount['kind'], number> = {
  bind: 1,
  tmpfs: 2,
  proc: 3,
  devpts: 4,
  mqueue: 5,
  directory: 6,
  file: 7,
  symlink: 8,
  mask: 9,
  readOnlyPath: 10,
};
const MOUNT_ATTRIBUTE: Record<MountAttribute, number> = {
  readOnly: 1,
  noSuid: 2,
  noDevices: 4,
  noExec: 8,
  recursive: 16,
  file: 32,
  idmapped: 64,
};
const INPUT_KIND = { pipe: 1, terminal: 2 } as const;
const DEVICE_TYPE = { character: 1, block: 2 } as const;
const DEVICE_ACCESS = { read: 1, write: 2, mknod: 4 } as const;
const LANDLOCK_SCOPE = { abstractSockets: 1, signals: 2 } as const;
const LANDLOCK_ACCESS = { bind: 1, connect: 2 } as const;
/** <linux/seccomp.h> */
const SECCOMP_FILTER_FLAG = { log: 2, listen: 8 } as const;
const NOTHING = new Uint8Array(0);

/**
 * @param buildId the SHA-256 that this helper and its executor were built with.
 * @returns the bytes to hand to the executor; one allocation for a plan of a common size.
 * @throws JobletError (invalid) when the plan is larger than the format allows.
 */
export function encodePlan(plan: Plan, buildId: Uint8Array): Buffer {
  if (buildId.length !== BUILD_ID_BYTES) {
    throw outOfBounds('build id', `has ${buildId.length} bytes instead of ${BUILD_ID_BYTES}`);
  }
  const writer = new PlanWriter();
  writer.text(MAGIC);
  writer.u32(PLAN_VERSION);
  const sizes = writer.reserve(12);
  writer.raw(buildId);
  writer.u64(0n);
  const records = writeRecords(writer, plan);
  const bytes = writer.finish();
  if (bytes.length > MAX_PLAN_BYTES) {
    throw outOfBounds('plan', `takes ${bytes.length} bytes, ${MAX_PLAN_BYTES} are allowed`);
  }
  if (records > MAX_RECORDS) {
    throw outOfBounds('plan', `has ${records} records, ${MAX_RECORDS} are allowed`);
  }
  bytes.writeUInt32LE(bytes.length, sizes);
  bytes.writeUInt32LE(records, sizes + 4);
  return bytes;
}

function writeRecords(writer: PlanWriter, plan: Plan): number {
  let records = 0;
  const record = (type: number, payload: () => void): void => {
    writer.record(type, payload);
    records += 1;
  };
  record(RECORD.job, () => writer.text(plan.uuid));
  record(RECORD.namespaces, () => writeNamespaces(writer, plan.namespaces));
  if (plan.hostname !== undefined) {
    const hostname = plan.hostname;
    record(RECORD.hostname, () => writer.string(hostname));
  }
  record(RECORD.credentials, () => writeCredentials(writer, plan.credentials));
  for (const range of plan.idRanges) {
    record(RECORD.idRange, () => writeIdRange(writer, range));
  }
  for (const range of plan.idMaps) {
    record(RECORD.idMap, () => writeIdRange(writer, range));
  }
  for (const mount of plan.mounts) {
    record(RECORD.mount, () => writeMount(writer, mount));
  }
  for (const device of plan.devices) {
    record(RECORD.device, () => writeDevice(writer, device));
  }
  for (const { file, written, readBack } of plan.limits) {
    record(RECORD.limit, () => {
      writer.string(file);
      writer.string(written);
      writer.string(readBack);
    });
  }
  for (const { resource, soft, hard } of plan.resourceLimits) {
    record(RECORD.resourceLimit, () => {
      writer.u32(resource, 0);
      writer.u64(soft ?? INFINITY, hard ?? INFINITY);
    });
  }
  for (const variable of plan.environment) {
    record(RECORD.environment, () => writer.string(variable));
  }
  for (const argument of plan.argv) {
    record(RECORD.argument, () => writer.string(argument));
  }
  record(RECORD.workDirectory, () => writer.string(plan.workDirectory));
  if (plan.seccomp !== undefined) {
    const seccomp = plan.seccomp;
    record(RECORD.seccomp, () => writeSeccomp(writer, seccomp));
  }
  if (plan.landlock !== undefined) {
    const landlock = plan.landlock;
    record(RECORD.landlock, () => writeLandlock(writer, landlock));
  }
  record(RECORD.times, () => writer.u64(plan.timeoutMs, plan.stopGraceMs));
  record(RECORD.scheduling, () => {
    writer.i32(plan.nice);
    writer.i32(plan.oomScoreAdjustment);
  });
  if (plan.input !== undefined) {
    const { columns, rows } = plan.input.kind === 'terminal' ? plan.input : { columns: 0, rows: 0 };
    const kind = INPUT_KIND[plan.input.kind];
    record(RECORD.input, () => writer.u32(kind, columns, rows));
  }
  record(RECORD.log, () => writeLog(writer, plan.log));
  return records;
}

function writeNamespaces(writer: PlanWriter, namespaces: Namespaces): void {
  const names = Object.keys(NAMESPACE_FLAG) as (keyof typeof NAMESPACE_FLAG)[];
  writer.u32(
    maskOf(
      names.filter((name) => namespaces[name]),
      NAMESPACE_FLAG,
    ),
  );
  const { network } = namespaces;
  writer.u32(NETWORK[network.kind]);
  writer.i32(network.kind === 'join' ? network.slot : NO_SLOT);
}

function writeCredentials(writer: PlanWriter, { uid, gid, groups, capabilities }: Credentials): void {
  writer.u32(uid, gid);
  writer.u64(capabilities);
  writer.u32(groups.length, ...groups);
}

function writeIdRange(writer: PlanWriter, { kind, inside, outside, count }: IdRange): void {
  writer.u32(ID_KIND[kind], inside, outside, count);
}

/** Every kind has the same fixed fields; those that a kind doesn't use are 0, and the source is none. */
function writeMount(writer: PlanWriter, mount: Mount): void {
  const { size, uid, gid } = mount.kind === 'tmpfs' ? mount : { size: 0n, uid: 0, gid: 0 };
  writer.u32(MOUNT_KIND[mount.kind]);
  writer.u32('attributes' in mount ? maskOf(mount.attributes, MOUNT_ATTRIBUTE) : 0);
  writer.i32(mount.kind === 'bind' ? mount.source : NO_SLOT);
  writer.u32('mode' in mount ? mount.mode : 0);
  writer.u64(size);
  writer.u32(uid, gid);
  writer.string(mount.target);
  writer.bytes(dataOf(mount));
}

function dataOf(mount: Mount): Uint8Array {
  switch (mount.kind) {
    case 'file':
      return mount.content;
    case 'symlink':
      return Buffer.from(mount.leadsTo, 'utf8');
    default:
      return NOTHING;
  }
}

function writeDevice(writer: PlanWriter, device: Device): void {
  writer.u32(DEVICE_TYPE[device.type], device.major, device.minor, device.mode);
  writer.u32(maskOf(device.access, DEVICE_ACCESS));
  writer.string(device.path);
}

function writeSeccomp(writer: PlanWriter, program: SeccompProgram): void {
  const flags = (['log', 'listen'] as const).filter((flag) => program[flag]);
  writer.u32(maskOf(flags, SECCOMP_FILTER_FLAG), program.level, program.instructions.length / 8);
  writer.raw(program.instructions);
}

function writeLandlock(writer: PlanWriter, { scopes, bind, connect }: Landlock): void {
  writer.u32(maskOf(scopes, LANDLOCK_SCOPE));
  writer.u32(
    (bind === undefined ? 0 : LANDLOCK_ACCESS.bind) | (connect === undefined ? 0 : LANDLOCK_ACCESS.connect),
  );
  writer.u32(bind?.length ?? 0, connect?.length ?? 0, ...(bind ?? []), ...(connect ?? []));
}

function writeLog(writer: PlanWriter, { overflow, memoryBytes, spill }: LogPlan): void {
  writer.u32(LOG_OVERFLOW[overflow]);
  writer.i32(spill?.slot ?? NO_SLOT);
  writer.u64(memoryBytes, spill?.bytes ?? 0n);
}

function maskOf<Name extends string>(names: readonly Name[], bits: Record<Name, number>): number {
  return names.reduce((mask, name) => mask | bits[name], 0);
}

function outOfBounds(object: string, reason: string): JobletError {
  return new JobletError('invalid', {
    layer: 'plan',
    operation: 'encode',
    object,
    reason,
    mend: 'Shorten the arguments or the environment.',
  });
}

/** Little-endian bytes into one buffer, which doubles in the rare case that a plan outgrows it. */
class PlanWriter {
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #length = 0;

  /** A record's header, what `payload` writes, and zeroes up to the next multiple of 8. */
  record(type: number, payload: () => void): void {
    const header = this.reserve(RECORD_HEADER_BYTES);
    this.#buffer.writeUInt16LE(type, header);
    payload();
    this.#buffer.writeUInt32LE(this.#length - header - RECORD_HEADER_BYTES, header + 4);
    this.reserve(-this.#length & 7);
  }

  /** @returns the offset of `count` new zero bytes. */
  reserve(count: number): number {
    this.#makeRoom(count);
    const offset = this.#length;
    this.#buffer.fill(0, offset, offset + count);
    this.#length += count;
    return offset;
  }

  u32(...values: readonly number[]): void {
    this.#makeRoom(values.length * 4);
    for (const value of values) {
      this.#length = this.#buffer.writeUInt32LE(value, this.#length);
    }
  }

  i32(value: number): void {
    this.#makeRoom(4);
    this.#length = this.#buffer.writeInt32LE(value, this.#length);
  }

  u64(...values: readonly bigint[]): void {
    this.#makeRoom(values.length * 8);
    for (const value of values) {
      this.#length = this.#buffer.writeBigUInt64LE(value, this.#length);
    }
  }

  /** UTF-8 without length or end. @returns the number of bytes. */
  text(value: string): number {
    this.#makeRoom(value.length * 3);
    const written = this.#buffer.write(value, this.#length, 'utf8');
    this.#length += written;
    return written;
  }

  /** The format's *string*: length, UTF-8, NUL. */
  string(value: string): void {
    if (value.includes('\0')) {
      throw outOfBounds(JSON.stringify(value.slice(0, 40)), 'holds a NUL character');
    }
    const length = this.reserve(4);
    const written = this.text(value);
    if (written > MAX_STRING_BYTES) {
      throw outOfBounds(
        JSON.stringify(value.slice(0, 40)),
        `takes ${written} bytes, ${MAX_STRING_BYTES} are allowed`,
      );
    }
    this.#buffer.writeUInt32LE(written, length);
    this.reserve(1);
  }

  /** The format's *bytes*: length, bytes. */
  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    this.#makeRoom(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #makeRoom(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) {
      return;
    }
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
