import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { Health } from '../../native-helper/api/gen/grpc/health/v1/health_pb.js';
import {
  type Job,
  type JobEvent,
  JobService,
  JobSpecSchema,
  JobStatus,
} from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { loadConfig, ownSurroundings, placesOfConfig, selectNode } from '../../src-main/client/discovery.ts';
import { Endpoint } from '../../src-main/client/endpoint.ts';
import { openTransport } from '../../src-main/client/transport.ts';

const HELPER = 'dist/joblet-helper';
const START_TIMEOUT_MS = 20_000;

/** The built helper, under a root of its own. */
export class HelperProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly root: string;

  private constructor(child: ChildProcess, root: string) {
    this.#child = child;
    this.root = root;
  }

  static async start(): Promise<HelperProcess> {
    if (!existsSync(HELPER)) {
      throw new Error(`${HELPER} is missing: run npm run build`);
    }
    const root = mkdtempSync(join(tmpdir(), 'joblet-bench-'));
    const child = spawn(resolve(HELPER), ['--root', root], {
      env: { JOBLET_MODE: 'server' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const helper = new HelperProcess(child, root);
    try {
      await helper.#answering();
      return helper;
    } catch (error) {
      await helper[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** One connection: all that is called on it shares the socket. */
  connect(): Connection {
    const paths = pathsUnder(this.root);
    const surroundings = ownSurroundings();
    const node = selectNode(loadConfig(placesOfConfig(undefined, paths, surroundings), surroundings.uid));
    return new Connection(new Endpoint(node, paths, surroundings.uid));
  }

  async #answering(): Promise<void> {
    const { socket, helperLog } = pathsUnder(this.root);
    for (const end = Date.now() + START_TIMEOUT_MS; !existsSync(socket); await delay(20)) {
      if (this.#child.exitCode !== null || Date.now() > end) {
        throw new Error(`the helper did not start:\n${readFileSync(helperLog, 'utf8')}`);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) {
      await once(this.#child, 'exit');
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}

export class Connection implements Disposable {
  readonly #transport: ReturnType<typeof openTransport>;
  readonly #watching = new AbortController();
  readonly #waiting = new Map<string, PromiseWithResolvers<Job>>();
  readonly jobs;
  readonly health;

  constructor(endpoint: Endpoint) {
    this.#transport = openTransport(endpoint);
    this.jobs = createClient(JobService, this.#transport);
    this.health = createClient(Health, this.#transport);
  }

  /** From here on `ended` can be asked for every new job. */
  async watchEnds(): Promise<void> {
    const events = this.jobs.watchJobs({ ids: [] }, { signal: this.#watching.signal });
    this.#watch(events).catch((error) => {
      for (const { reject } of this.#waiting.values()) {
        reject(error);
      }
    });
    // The subscription is made when the helper has handled a later call on the same connection.
    await this.health.check({});
  }

  async #watch(events: AsyncIterable<JobEvent>): Promise<void> {
    for await (const { job } of events) {
      if (job !== undefined && job.status >= JobStatus.COMPLETED) {
        this.#end(job.uuid).resolve(job);
      }
    }
  }

  #end(uuid: string): PromiseWithResolvers<Job> {
    const known = this.#waiting.get(uuid) ?? Promise.withResolvers<Job>();
    this.#waiting.set(uuid, known);
    return known;
  }

  /** @throws Error when the job ended otherwise than with 0. */
  async ended(uuid: string): Promise<void> {
    const job = await this.#end(uuid).promise;
    this.#waiting.delete(uuid);
    if (job.status !== JobStatus.COMPLETED) {
      throw new Error(`job ${uuid} ended as ${JobStatus[job.status]}: ${JSON.stringify(job.failure)}`);
    }
  }

  submit(command: string, ...args: string[]): Promise<Job> {
    return this.jobs.runJob({ spec: create(JobSpecSchema, { command, args }) });
  }

  [Symbol.dispose](): void {
    this.#watching.abort();
    this.#transport.close();
  }
}
