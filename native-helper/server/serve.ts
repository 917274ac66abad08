/** Server mode: from an empty root to a helper that answers, and to its orderly end. */
import { JobletError } from '../api/errors.ts';
import { Health } from '../api/gen/grpc/health/v1/health_pb.js';
import { ServerReflection } from '../api/gen/grpc/reflection/v1/reflection_pb.js';
import {
  FileService,
  HelperService,
  JobService,
  NetworkService,
  VolumeService,
} from '../api/gen/joblet_pb.js';
import { type Paths, pathsUnder } from '../api/paths.ts';
import { forbidCoreDumps } from '../kernel/core-dump.ts';
import { loadAssets } from './assets.ts';
import { canonicalRoot, prepareFolders } from './config/folders.ts';
import { Installation } from './config/installation.ts';
import { takeHelperLock } from './helper-lock.ts';
import { JobManager } from './jobs/job-manager.ts';
import { createLogger, type Logger } from './log.ts';
import { createFileService } from './transport/file-service.ts';
import { createHealthService } from './transport/health.ts';
import { createHelperService } from './transport/helper-service.ts';
import { createJobService } from './transport/job-service.ts';
import { createNetworkService } from './transport/network-service.ts';
import { createReflectionService } from './transport/reflection.ts';
import { TransportServer } from './transport/server.ts';
import { createVolumeService } from './transport/volume-service.ts';

/** Nobody but root reads what the helper makes, unless a mode is set on purpose. */
const HELPER_UMASK = 0o077;

/**
 * Serves until SIGTERM, SIGINT or Shutdown; running jobs go on.
 *
 * @param root the folder that everything lies under.
 * @throws JobletError when it can't begin.
 */
export async function serve(root: string): Promise<void> {
  if (process.geteuid?.() !== 0) {
    throw new JobletError('refused', {
      layer: 'helper',
      operation: 'start',
      object: 'joblet-helper',
      reason: 'must run as root: it makes the namespaces and cgroups of jobs',
      mend: 'Start it with `joblet helper start`.',
    });
  }
  process.umask(HELPER_UMASK);
  // It holds secrets of jobs that wait.
  forbidCoreDumps();
  const paths = pathsUnder(canonicalRoot(root));
  prepareFolders(paths);
  takeHelperLock(paths.lock);
  const installation = await Installation.open(paths, elevatingUid());
  const logger = createLogger(paths.helperLog, installation.config.log_level);
  endOnFaults(logger);
  keepFromConsole(logger);
  try {
    await serveJobs(paths, installation, logger);
  } catch (error) {
    logger.fatal({ err: error }, 'could not start');
    throw error;
  }
}

async function serveJobs(paths: Paths, installation: Installation, logger: Logger): Promise<void> {
  const assets = loadAssets();
  const { config } = installation;
  const jobs = await JobManager.open({
    paths,
    assets,
    logger,
    nodeId: config.node_id,
    jobsConfig: config.jobs,
    logsConfig: config.logs,
    networksConfig: config.networks,
  });
  const { promise: ending, resolve: end } = Promise.withResolvers<string>();
  const api = [JobService, FileService, VolumeService, NetworkService, HelperService, Health] as const;
  const transport: TransportServer = new TransportServer({
    limits: config.connections,
    security: config.security,
    isAllowed: (uid) => installation.allowedUids.has(uid),
    logger,
    routes: (router) =>
      router
        .service(JobService, createJobService(jobs))
        .service(FileService, createFileService(jobs))
        .service(VolumeService, createVolumeService(jobs.volumes))
        .service(NetworkService, createNetworkService(jobs.networks))
        .service(
          HelperService,
          createHelperService({
            jobs,
            installation,
            assets,
            paths,
            onRotated: () => transport.replaceCertificates(installation.config.security),
            onShutdown: (uid) => end(`uid ${uid} asked for it`),
          }),
        )
        .service(Health, createHealthService(api.map(({ typeName }) => typeName)))
        .service(ServerReflection, createReflectionService([...api, ServerReflection])),
  });
  try {
    await transport.listen(paths.socket);
  } catch (error) {
    await jobs.close();
    throw error;
  }
  // Node's own answer is to open a debugger on localhost, where jobs are.
  process.on('SIGUSR1', () => {});
  process.once('SIGTERM', () => end('SIGTERM'));
  process.once('SIGINT', () => end('SIGINT'));
  logger.info({ root: paths.root, build: assets.buildId }, 'the helper answers');
  const reason = await ending;
  logger.info({ reason }, 'the helper ends; running jobs go on');
  await transport.close();
  await jobs.close();
  process.exit(0);
}

/** Who started us through sudo or pkexec; both set these for root's programs. */
function elevatingUid(): number | undefined {
  const text = process.env.SUDO_UID ?? process.env.PKEXEC_UID ?? '';
  return /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined;
}

/**
 * connect-node tells the console of each client that goes away before it has its answer. Nobody bounds the file that
 * our standard error is.
 */
function keepFromConsole(logger: Logger): void {
  console.error = (message: unknown, error: unknown): void => logger.debug({ err: error }, String(message));
}

/** State is on disk before it is told of, so that ending is always safe; going on after a fault is not. */
function endOnFaults(logger: Logger): void {
  const onFault = (error: unknown): void => {
    logger.fatal({ err: error }, 'a fault in the helper; it ends, running jobs go on');
    process.exit(1);
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
}
