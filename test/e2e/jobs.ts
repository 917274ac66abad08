/** The helper of the run, as the tests' user reaches it beside the window. */
import { setTimeout as delay } from 'node:timers/promises';
import { JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import type { CheckedJobSpec } from '../../native-helper/api/job-spec.ts';
import { type Client, connect } from '../../src-main/client/index.ts';
import { PLAIN_SPEC } from '../fixtures/job-spec.ts';
import { surroundings } from './surroundings.ts';

const END_MS = 30_000;

export class Jobs implements Disposable {
  readonly #client: Client;

  private constructor(client: Client) {
    this.#client = client;
  }

  static async connect(): Promise<Jobs> {
    return new Jobs(await connect({ root: surroundings().JOBLET_E2E_ROOT }));
  }

  /** @returns the job's UUID */
  async run(changes: Partial<CheckedJobSpec>): Promise<string> {
    const { uuid } = await this.#client.jobs.runJob({ spec: { ...PLAIN_SPEC, ...changes } });
    return uuid;
  }

  /** @returns the UUID of a job that runs these words in a shell */
  shell(words: string, name = ''): Promise<string> {
    return this.run({ name, command: 'sh', args: ['-c', words] });
  }

  async ended(uuid: string, withinMs = END_MS): Promise<void> {
    for await (const { job } of this.#client.watch([uuid], AbortSignal.timeout(withinMs))) {
      if ((job?.endedUs ?? 0n) > 0n) {
        return;
      }
    }
  }

  async isRunning(uuid: string): Promise<boolean> {
    return (await this.#client.jobs.getJob({ id: uuid })).status === JobStatus.RUNNING;
  }

  /** Ends those that run; none is left. */
  async clear(): Promise<void> {
    for (;;) {
      const { jobs } = await this.#client.jobs.listJobs({ pageSize: 1000 });
      if (jobs.length === 0) {
        return;
      }
      const live = jobs.filter(({ endedUs }) => endedUs === 0n);
      await Promise.all(live.map(({ uuid }) => this.#client.jobs.stopJob({ id: uuid, graceMs: 0n })));
      await this.#client.jobs.deleteAllJobs({});
      await delay(50);
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
