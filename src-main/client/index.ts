/** The way to the helper, for the command line and the app: `connect`, then typed calls. */
import { createClient, type Client as RpcClient } from '@connectrpc/connect';
import {
  FileService,
  HelperService,
  type JobEvent,
  type JobMetrics,
  JobService,
  type LogChunk,
  NetworkService,
  VolumeService,
} from '../../native-helper/api/gen/joblet_pb.js';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { cancelling } from './cancelling.ts';
import { refuseFaults } from './diagnosis.ts';
import { loadConfig, ownSurroundings, placesOfConfig, type Surroundings, selectNode } from './discovery.ts';
import { Endpoint } from './endpoint.ts';
import {
  type AttachOptions,
  attachJob,
  type FollowOptions,
  followLogs,
  watchJobs,
  watchMetrics,
} from './resume.ts';
import { openTransport } from './transport.ts';

export { certificateFaultsOf, faultsOfNode } from './diagnosis.ts';
export {
  isInstalled,
  type LoadedConfig,
  loadConfig,
  ownSurroundings,
  placesOfConfig,
  selectNode,
} from './discovery.ts';
export { isInterruption } from './errors.ts';
export { type InputEntry, JobInput, type TerminalSize } from './job-input.ts';
export { Queue } from './queue.ts';
export type { AttachOptions } from './resume.ts';

export interface ConnectOptions {
  /** Path of a client configuration; absent = the usual places. */
  readonly config?: string;
  /** Name of a node in it; absent = the default one. */
  readonly node?: string;
  /** Folder that everything of Joblet lies under. */
  readonly root: string;
}

/** Every call throws JobletError. */
export interface Client {
  readonly jobs: RpcClient<typeof JobService>;
  readonly helper: RpcClient<typeof HelperService>;
  readonly files: RpcClient<typeof FileService>;
  readonly volumes: RpcClient<typeof VolumeService>;
  readonly networks: RpcClient<typeof NetworkService>;
  /** A job's log until its end, across a restart of the helper. */
  followLogs(options: FollowOptions): AsyncIterable<LogChunk>;
  /** Sends a job's input until it has ended, across restarts of the helper. */
  attachJob(options: AttachOptions): Promise<void>;
  /** Events of jobs, across a restart of the helper. No ids: of all that have not ended, and of new ones. */
  watch(ids: readonly string[], signal: AbortSignal): AsyncIterable<JobEvent>;
  /** What running jobs use, once a second, across a restart of the helper. No ids: of all that run, and of new ones. */
  watchMetrics(ids: readonly string[], signal: AbortSignal): AsyncIterable<JobMetrics>;
  close(): void;
}

/**
 * Finds the configuration and checks its certificates. The connection itself is made by the first call.
 *
 * @throws JobletError when there is no configuration that can be used.
 */
export async function connect(
  { config, node: nodeName, root }: ConnectOptions,
  surroundings: Surroundings = ownSurroundings(),
): Promise<Client> {
  const paths = pathsUnder(root);
  const loaded = loadConfig(placesOfConfig(config, paths, surroundings), surroundings.uid);
  const node = selectNode(loaded, nodeName);
  refuseFaults(node, surroundings.uid, loaded.path);
  return openClient(new Endpoint(node, paths, surroundings.uid));
}

function openClient(endpoint: Endpoint): Client {
  const transport = openTransport(endpoint);
  const calls = createClient(JobService, transport);
  const jobs = {
    ...calls,
    getLogs: cancelling(calls.getLogs),
    watchJobs: cancelling(calls.watchJobs),
    watchMetrics: cancelling(calls.watchMetrics),
    getMetrics: cancelling(calls.getMetrics),
    attachJob: cancelling(calls.attachJob),
    execJob: cancelling(calls.execJob),
  };
  const files = createClient(FileService, transport);
  return {
    jobs,
    files: {
      ...files,
      listFiles: cancelling(files.listFiles),
      readFile: cancelling(files.readFile),
    },
    helper: createClient(HelperService, transport),
    volumes: createClient(VolumeService, transport),
    networks: createClient(NetworkService, transport),
    followLogs: (options) => followLogs(jobs, options),
    attachJob: (options) => attachJob(jobs, options),
    watch: (ids, signal) => watchJobs(jobs, ids, signal),
    watchMetrics: (ids, signal) => watchMetrics(jobs, ids, signal),
    close: () => transport.close(),
  };
}
