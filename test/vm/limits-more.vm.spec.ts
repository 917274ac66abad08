/** Processors, reclaim, swap and the disk: on a file system of device mapper on a partition, the hardest to find the disk of. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Job, JobStatus, type Limits } from '../../native-helper/api/gen/joblet_pb.js';
import { diskOf } from '../../native-helper/kernel/block-device.ts';
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import type { Client } from '../../src-main/client/index.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { MappedDevice } from './mapped-device.ts';

const PATIENCE_MS = 120_000;
const MEBIBYTE = 2n ** 20n;
const SECTOR_BYTES = 512;
const PARTITIONS = [
  { first: 2048, sectors: 300_000 },
  { first: 302_048, sectors: 20_000 },
] as const;
/** On a disk: of a file in memory, a loop device would charge the job what it writes, and nothing of that could be taken back. */
const IMAGE = join(process.env.JOBLET_VM_DISK ?? '', 'partitioned');
const PLACE = '/mnt/mapped';

/** A device of the machine, which is thrown away with all that is in it. */
let loop: string;
/** Its name among the block devices. */
let mapped: string;
let helper: RunningHelper;
let client: Client;

const run = (program: string, ...argv: string[]) => execFileSync(program, argv, { encoding: 'utf8' }).trim();

/** Linux partitions: the entries from 446 on in a master boot record. */
function writePartitionTable(path: string): void {
  const record = Buffer.alloc(SECTOR_BYTES);
  for (const [index, { first, sectors }] of PARTITIONS.entries()) {
    const entry = record.subarray(446 + index * 16);
    entry[4] = 0x83;
    entry.writeUInt32LE(first, 8);
    entry.writeUInt32LE(sectors, 12);
  }
  record.writeUInt16LE(0xaa55, 510);
  writeFileSync(path, record);
  truncateSync(path, 200 * 2 ** 20);
}

function mountNew(source: string, place: string): void {
  run('mkfs.ext4', '-q', source);
  mkdirSync(place);
  run('mount', source, place);
}

beforeAll(async () => {
  run('busybox', 'modprobe', 'bfq');
  writePartitionTable(IMAGE);
  loop = run('losetup', '--find', '--show', '--partscan', IMAGE);
  const { path } = new MappedDevice('mapped', `0 ${PARTITIONS[0].sectors} linear ${loop}p1 0`);
  mapped = basename(path);
  mountNew(path, PLACE);
  mountNew(`${loop}p2`, '/mnt/partition');
  const root = join(PLACE, 'root');
  mkdirSync(root);
  helper = await RunningHelper.start({ root });
  client = await helper.connect();
}, PATIENCE_MS);

afterAll(async () => {
  client?.close();
  await helper?.[Symbol.asyncDispose]();
}, PATIENCE_MS);

type Asked = Partial<Omit<Limits, '$typeName' | '$unknown'>>;

const start = (line: string, limits: Asked): Promise<Job> =>
  client.jobs.runJob({ spec: { command: 'sh', args: ['-c', line], limits } });

async function toItsEnd(line: string, limits: Asked): Promise<Job> {
  const { uuid: id } = await start(line, limits);
  for (;;) {
    const job = await client.jobs.getJob({ id });
    if (hasEnded(job.status)) {
      return job;
    }
    await delay(50);
  }
}

async function outputOf({ uuid: id }: Job): Promise<string> {
  let text = '';
  for await (const { data } of client.jobs.getLogs({ id })) {
    text += Buffer.from(data).toString();
  }
  return text.trim();
}

const reported = (job: Job) =>
  Object.fromEntries(
    job.report.filter(({ layer }) => layer === 'limit').map(({ item, kernel }) => [item, kernel]),
  );

const device = (name: string) => readFileSync(`/sys/class/block/${name}/dev`, 'utf8').trim();
const secondsOf = ({ startedUs, endedUs }: Job) => Number(endedUs - startedUs) / 1e6;

describe('the disk of a folder', () => {
  it('is that of device mapper itself, and of a partition the whole disk', () => {
    expect(diskOf(PLACE)).toEqual({ device: device(mapped), name: mapped });
    expect(diskOf('/mnt/partition')).toEqual({ device: device(basename(loop)), name: basename(loop) });
  });

  it.each([
    ['/tmp', 'tmpfs'],
    ['/usr', 'overlay'],
    ['/run/vm', '9p'],
  ])('is none where %s lies, which is said', (folder, type) => {
    expect(diskOf(folder)).toMatchObject({ reason: expect.stringContaining(`${folder} lies on ${type}`) });
  });
});

describe('io.weight', () => {
  it('is refused where nothing heeds it, and set where bfq does, below device mapper, too', async () => {
    const weight = start('true', { ioWeight: 200 });
    await expect(weight).rejects.toMatchObject({
      kind: 'refused',
      details: { object: 'io.weight', reason: expect.stringContaining('accepted and not enforced') },
    });
    writeFileSync(`/sys/block/${basename(loop)}/queue/scheduler`, 'bfq');
    expect(reported(await toItsEnd('true', { ioWeight: 200 }))).toMatchObject({
      'io.bfq.weight': 'default 109',
    });
    writeFileSync(`/sys/block/${basename(loop)}/queue/scheduler`, 'none');
  });

  it('goes to io.cost where that is on', async () => {
    writeFileSync('/sys/fs/cgroup/io.cost.qos', `${device(basename(loop))} enable=1 ctrl=user`);
    expect(reported(await toItsEnd('true', { ioWeight: 200 }))).toMatchObject({ 'io.weight': 'default 200' });
    writeFileSync('/sys/fs/cgroup/io.cost.qos', `${device(basename(loop))} enable=0`);
  });
});

describe('cpuset', () => {
  const allowed = "sed -n 's/^Cpus_allowed_list:\\s*//p' /proc/self/status";

  it('keeps a job on its processors', async () => {
    const job = await toItsEnd(allowed, { cpuCores: '1' });
    expect(await outputOf(job)).toBe('1');
    expect(reported(job)).toMatchObject({ 'cpuset.cpus': '1', 'cpuset.cpus.effective': '1' });
  });

  it('refuses one that is not there, or offline', async () => {
    await expect(start(allowed, { cpuCores: '0-2' })).rejects.toMatchObject({
      kind: 'refused',
      details: { object: 'cpuset.cpus', reason: expect.stringContaining('processor 2 is not there') },
    });
    const online = '/sys/devices/system/cpu/cpu1/online';
    writeFileSync(online, '0');
    try {
      await expect(start(allowed, { cpuCores: '1' })).rejects.toMatchObject({ kind: 'refused' });
    } finally {
      writeFileSync(online, '1');
    }
  });
});

describe('memory', () => {
  it('is taken back beyond memory.high, which ends nothing', async () => {
    const job = await toItsEnd('head -c 16777216 /dev/zero >file; rm file', {
      memoryHighBytes: 12n * MEBIBYTE,
    });
    expect(job).toMatchObject({ status: JobStatus.COMPLETED });
    expect(reported(job)['memory.high']).toBe(String(12n * MEBIBYTE));
    expect(job.usage?.memoryHighHits).toBeGreaterThan(0n);
    expect(job.usage?.memoryPeakBytes).toBeLessThan(20n * MEBIBYTE);
  });

  it('may go to as much swap as was asked for', async () => {
    const job = await toItsEnd('true', { memoryBytes: 64n * MEBIBYTE, swapBytes: 32n * MEBIBYTE });
    expect(reported(job)['memory.swap.max']).toBe(String(32n * MEBIBYTE));
  });
});

describe('the evidence of the kernel', () => {
  it('tells how long a job was held back, and waited', async () => {
    const job = await toItsEnd('i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done', { cpuPercent: 10 });
    expect(job.usage?.cpuThrottledUs).toBeGreaterThan(0n);
    expect(job.usage?.cpuPressureUs).toBeGreaterThan(0n);
  });

  it('lets a job have more than one processor', async () => {
    expect(reported(await toItsEnd('true', { cpuPercent: 150 }))['cpu.max']).toBe('150000 100000');
  });
});

describe('io.max', () => {
  const limits = { ioBytesPerSecond: MEBIBYTE };
  const twoMebibytes = 'head -c 2097152 /dev/zero';

  it('holds back what a job writes now', async () => {
    const job = await toItsEnd(`${twoMebibytes} | dd of=file bs=64k iflag=fullblock oflag=direct`, limits);
    expect(job).toMatchObject({ status: JobStatus.COMPLETED });
    expect(reported(job)['io.max']).toBe(`${device(mapped)} rbps=1048576 wbps=1048576 riops=max wiops=max`);
    expect(secondsOf(job)).toBeGreaterThan(1);
    expect(job.usage?.ioWrittenBytes).toBeGreaterThanOrEqual(2n * MEBIBYTE);
  });

  it('holds back what the kernel writes later for it', async () => {
    const job = await toItsEnd(`${twoMebibytes} >file; sync file`, limits);
    expect(secondsOf(job)).toBeGreaterThan(1);
  });
});
