/** The flags of `docker run` (Docker 28, `docker run --help`; podman shares them) and what a job has in place of each. */

interface Theme {
  /** Why, or what there is in its place; absent: it makes no difference to a job. */
  readonly remark?: string;
  /** `-x` or `--long`, with a short form in front where there is one. */
  readonly values: string;
  readonly booleans?: string;
}

/** What a job has too. */
const COUNTERPARTS =
  '-e--env -w--workdir --name -m--memory --cpus --pids-limit -h--hostname --entrypoint --stop-timeout';

const THEMES: readonly Theme[] = [
  { values: COUNTERPARTS },
  { values: '--detach-keys --log-driver --log-opt', booleans: '-d--detach -q--quiet --sig-proxy --init' },
  {
    remark: 'A job of this version gets none of your folders; its own is /work.',
    values: '-v--volume --mount --volumes-from --volume-driver --tmpfs --storage-opt --shm-size',
  },
  {
    remark: "Jobs use this machine's network as it is: a port that a job opens can be reached without more.",
    values:
      '-p--publish --expose --network --net --network-alias --net-alias --dns --dns-opt --dns-option --dns-search --add-host ' +
      '--ip --ip6 --link --link-local-ip --mac-address --domainname',
    booleans: '-P--publish-all',
  },
  {
    remark: 'This version gives jobs no GPU and no device.',
    values: '--gpus --device --device-cgroup-rule',
  },
  {
    remark: 'Jobs run as an unprivileged user, in namespaces of their own, without any capability.',
    values:
      '-u--user --group-add --cap-add --cap-drop --security-opt --userns --ipc --pid --uts --cgroupns --sysctl --isolation --runtime',
    booleans: '--privileged --read-only',
  },
  {
    remark: 'A job has no terminal and no standard input.',
    values: '-a--attach',
    booleans: '-i--interactive -t--tty',
  },
  { remark: 'A job stays in the list, with its log, until it is deleted.', values: '', booleans: '--rm' },
  { remark: 'A job runs once.', values: '--restart' },
  { remark: 'No file is read for it: give the variables themselves.', values: '--env-file' },
  {
    remark: 'Jobs have limits of CPU time, memory and processes only.',
    values:
      '--blkio-weight --blkio-weight-device --cgroup-parent --cpu-count --cpu-percent --cpu-period --cpu-quota --cpu-rt-period ' +
      '--cpu-rt-runtime -c--cpu-shares --cpuset-cpus --cpuset-mems --device-read-bps --device-read-iops --device-write-bps ' +
      '--device-write-iops --io-maxbandwidth --io-maxiops --kernel-memory --memory-reservation --memory-swap ' +
      '--memory-swappiness --oom-score-adj --ulimit',
    booleans: '--oom-kill-disable',
  },
  {
    remark: 'It has no counterpart here.',
    values:
      '--annotation --cidfile --health-cmd --health-interval --health-retries --health-start-interval --health-start-period ' +
      '--health-timeout -l--label --label-file --platform --pull --stop-signal',
    booleans: '--no-healthcheck --disable-content-trust --help',
  },
];

export interface DockerFlag {
  /** Without the dashes. */
  readonly name: string;
  readonly takesValue: boolean;
  readonly remark: string | undefined;
}

/** By each way of writing a flag: `-e`, `--env`. */
export const DOCKER_FLAGS: ReadonlyMap<string, DockerFlag> = new Map(
  THEMES.flatMap(({ remark, values, booleans = '' }) => [
    ...spellings(values, { takesValue: true, remark }),
    ...spellings(booleans, { takesValue: false, remark }),
  ]),
);

function spellings(list: string, kind: Omit<DockerFlag, 'name'>): [string, DockerFlag][] {
  return list
    .split(' ')
    .filter((each) => each !== '')
    .flatMap((each) => {
      const [, short, name = ''] = /^(?:-(\w))?--(.*)$/.exec(each) ?? [];
      const flag = { name, ...kind };
      const long: [string, DockerFlag] = [`--${name}`, flag];
      return short === undefined ? [long] : [[`-${short}`, flag], long];
    });
}
