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
import { hasEnded } from '../../native-helper/server/jobs/job-state.ts';
import { loadConfig, ownSurroundings, placesOfConfig, selectNode } from '../../src-main/client/discovery.ts';
import { Endpoint } from '../../src-main/client/endpoint.ts';
import { openTransport } from '../../src-main/client/transport.ts';

/** One connection to the helper under a root: all that is called on it shares the socket. */
export class Connection implements Disposable {
  readonly #transport: ReturnType<typeof openTransport>;
  readonly #watching = new AbortController();
  readonly #waiting = new Map<string, PromiseWithResolvers<Job>>();
  readonly jobs;
  readonly health;

  constructor(root: string) {
    const paths = pathsUnder(root);
    const surroundings = ownSurroundings();
    const node = selectNode(loadConfig(placesOfConfig(undefined, paths, surroundings), surroundings.uid));
    this.#transport = openTransport(new Endpoint(node, paths, surroundings.uid));
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
      if (job !== undefined && hasEnded(job.status)) {
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
