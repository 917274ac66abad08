import { join, resolve } from 'node:path';

/** Every place that Joblet uses, all under one root (`/` unless `--root DIR` moves it). */
export interface Paths {
  readonly root: string;
  /** 0755 root. */
  readonly configDirectory: string;
  /** The helper's configuration with its certificates: 0600 root. */
  readonly serverConfig: string;
  /** 0755 root; holds one 0600 file for each allowed uid. */
  readonly clientConfigDirectory: string;
  /** 0755 root. */
  readonly runDirectory: string;
  /** The one way in: 0666, guarded by the peer's uid and mutual TLS. */
  readonly socket: string;
  /** Held with flock(2) by the running helper; holds its pid. */
  readonly lock: string;
  /** 0700 root: one adoption socket for each running job. */
  readonly monitorsDirectory: string;
  /** 0711 root. */
  readonly stateDirectory: string;
  /** 0600 root. */
  readonly database: string;
  /** 0600 root: the id of the boot that the helper began in. */
  readonly boot: string;
  /** 0600 root: the helper's own log. */
  readonly helperLog: string;
  /** 0700 root: one folder for each job. */
  readonly jobsDirectory: string;
  /** 0700 root: the volumes, each mounted at its id. */
  readonly volumesDirectory: string;
  /** 0755 root: installed builds of the helper. */
  readonly installDirectory: string;
}

export function pathsUnder(root: string): Paths {
  const base = resolve(root);
  const configDirectory = join(base, 'etc/joblet');
  const runDirectory = join(base, 'run/joblet');
  const stateDirectory = join(base, 'var/lib/joblet');
  return {
    root: base,
    configDirectory,
    serverConfig: join(configDirectory, 'joblet-config.yml'),
    clientConfigDirectory: join(configDirectory, 'clients'),
    runDirectory,
    socket: join(runDirectory, 'joblet.sock'),
    lock: join(runDirectory, 'helper.pid'),
    monitorsDirectory: join(runDirectory, 'monitors'),
    stateDirectory,
    database: join(stateDirectory, 'state.db'),
    boot: join(stateDirectory, 'boot-id'),
    helperLog: join(stateDirectory, 'helper.log'),
    jobsDirectory: join(stateDirectory, 'jobs'),
    volumesDirectory: join(stateDirectory, 'volumes'),
    installDirectory: join(stateDirectory, 'bin'),
  };
}

/** The client configuration that the helper makes for one uid. */
export function clientConfigOf(paths: Paths, uid: number): string {
  return join(paths.clientConfigDirectory, `${uid}.yml`);
}

/** The folder of one job; `uuid` must be a checked UUID. */
export function jobDirectoryOf(paths: Paths, uuid: string): string {
  return join(paths.jobsDirectory, uuid);
}
