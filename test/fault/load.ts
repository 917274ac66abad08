/** Jobs of every kind, so many at a time, while something is done to the helper; each compared with what must come of it. */
import { toBinary } from '@bufbuild/protobuf';
import { type Job, JobSchema } from '../../native-helper/api/gen/joblet_pb.js';
import type { Client } from '../../src-main/client/index.ts';
import { patiently } from '../fixtures/patiently.ts';
import type { Random } from '../fixtures/random.ts';
import { type Follower, followByClient, followByCommand } from './followers.ts';
import { drawKind, type Undertaking } from './kinds.ts';
import { sha256 } from './streams.ts';
import { all, endFaults, logFaults, metricsFaults, readLog, untilEnded } from './verdict.ts';

const CLIENT_FOLLOWER_PROBABILITY = 0.6;
/** Each is a Node of its own. */
const COMMAND_FOLLOWER_PROBABILITY = 0.1;

export interface LoadOptions {
  readonly client: Client;
  /** The helper's. */
  readonly root: string;
  readonly random: Random;
  readonly atOnce: number;
}

export class Load {
  readonly #options: LoadOptions;
  readonly #accepted = new Set<string>();
  /** As each job was when it had ended: nothing may ever change it. */
  readonly #ended = new Map<string, Uint8Array>();
  readonly #faults: string[] = [];
  readonly #lanes: Promise<void>[];
  #isClosed = false;
  #count = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.atOnce }, () => this.#lane());
  }

  /** What was wrong up to now. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  get jobs(): number {
    return this.#ended.size;
  }

  /** Whether all that was accepted is there, and all that has ended as it was. To be called when a helper is new. */
  async compareAll(): Promise<void> {
    // In this order: what has ended was accepted, and what is accepted meanwhile is in no list yet.
    const ended = new Map(this.#ended);
    const accepted = new Set(this.#accepted);
    const listed = await allJobs(this.#options.client);
    const uuids = new Set(listed.map(({ uuid }) => uuid));
    if (uuids.size !== listed.length) {
      this.#faults.push(`the list has ${listed.length} jobs, and ${uuids.size} different ones`);
    }
    for (const job of listed) {
      const before = ended.get(job.uuid);
      if (before !== undefined && Buffer.compare(before, toBinary(JobSchema, job)) !== 0) {
        this.#faults.push(`job ${job.uuid} (${job.spec?.name}) had ended, and has changed since`);
      }
    }
    const gone = [...accepted].filter((uuid) => !uuids.has(uuid));
    this.#faults.push(...gone.map((uuid) => `job ${uuid} was accepted and is gone`));
  }

  /** Begins no more jobs. */
  stop(): void {
    this.#isClosed = true;
  }

  /** Begins no more jobs; resolves when the last has ended. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.#lanes);
  }

  async #lane(): Promise<void> {
    while (!this.#isClosed) {
      this.#count += 1;
      const name = `fault-${this.#count}`;
      const undertaking = drawKind(name, this.#options.random);
      try {
        const faults = await this.#run(name, undertaking);
        this.#faults.push(...faults.map((fault) => `${name} (${undertaking.kind}): ${fault}`));
      } catch (error) {
        this.#faults.push(`${name} (${undertaking.kind}): ${error}`);
      }
    }
  }

  async #run(name: string, { spec, expected, deed, faultsOf }: Undertaking): Promise<string[]> {
    const { client, random, root } = this.#options;
    const chance = random.next();
    const job = await this.#submit(name, spec);
    this.#accepted.add(job.uuid);
    const followers: Follower[] = [
      ...(chance < CLIENT_FOLLOWER_PROBABILITY ? [followByClient(client)] : []),
      ...(chance < COMMAND_FOLLOWER_PROBABILITY ? [followByCommand(root)] : []),
    ];
    const [followed] = await Promise.all([
      Promise.all(followers.map((follow) => follow(job.uuid))),
      deed?.(client, job),
    ]);
    const ended = await untilEnded(client, job.uuid);
    const log = await readLog(client, job.uuid);
    const metrics = await patiently(() => all(client.jobs.getMetrics({ id: job.uuid })));
    await this.#remember(name);
    return [
      ...endFaults(ended, expected),
      ...logFaults(log, expected),
      ...metricsFaults(metrics, ended),
      ...followed.flatMap(({ faults }) => faults),
      ...followed
        .filter((it) => it.sha256 !== sha256(log.both))
        .map(() => 'a follower got other bytes than the log holds'),
      ...(faultsOf?.(ended) ?? []),
    ];
  }

  /** An answer may be lost with the helper: then the job is looked for by its name before it is asked for again. */
  async #submit(name: string, spec: Undertaking['spec']): Promise<Job> {
    const { jobs } = this.#options.client;
    let isAskedFor = false;
    return patiently(async () => {
      const [known] = isAskedFor ? await this.#named(name) : [];
      isAskedFor = true;
      return known ?? (await jobs.runJob({ spec: { ...spec, name } }));
    });
  }

  async #named(name: string): Promise<Job[]> {
    const { jobs } = await this.#options.client.jobs.listJobs({ nameContains: name, pageSize: 1000 });
    return jobs.filter((job) => job.spec?.name === name);
  }

  async #remember(name: string): Promise<void> {
    const named = await patiently(() => this.#named(name));
    if (named.length !== 1) {
      this.#faults.push(`${name}: ${named.length} jobs have this name`);
    }
    for (const job of named) {
      this.#ended.set(job.uuid, toBinary(JobSchema, job));
    }
  }
}

async function allJobs(client: Client): Promise<Job[]> {
  const jobs: Job[] = [];
  let pageToken = '';
  do {
    const request = { pageSize: 1000, pageToken };
    const page = await patiently(() => client.jobs.listJobs(request));
    jobs.push(...page.jobs);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return jobs;
}
