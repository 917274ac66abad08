/** The flags of `docker run` (Docker 28, `docker run --help`; podman shares them) and what a job has in place of each. */

import { flagTable, type Theme } from './flags.ts';

/** What a job has too. */
const COUNTERPARTS =
  '-e--env -w--workdir --name -m--memory --memory-swap --cpus --cpuset-cpus -c--cpu-shares --pids-limit -h--hostname --entrypoint --stop-timeout -p--publish --network --net -v--volume';

const THEMES: readonly Theme[] = [
  { values: COUNTERPARTS, booleans: '-i--interactive -t--tty' },
  { values: '--detach-keys --log-driver --log-opt', booleans: '-d--detach -q--quiet --sig-proxy --init' },
  {
    remark: 'A job sees the folders that are named with -v; its own is /work.',
    values: '--mount --volumes-from --volume-driver --tmpfs --storage-opt --shm-size',
  },
  {
    remark: 'A job has a network and published ports, and no more of it can be chosen.',
    values:
      '--expose --network-alias --net-alias --dns --dns-opt --dns-option --dns-search --add-host ' +
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
  { remark: 'All of the output of a job is shown.', values: '-a--attach' },
  { remark: 'A job stays in the list, with its log, until it is deleted.', booleans: '--rm' },
  { remark: 'A job runs once.', values: '--restart' },
  { remark: 'No file is read for it: give the variables themselves.', values: '--env-file' },
  {
    remark: 'Jobs have limits of processors, memory, swap, disk and processes, but not this one.',
    values:
      '--blkio-weight --blkio-weight-device --cgroup-parent --cpu-count --cpu-percent --cpu-period --cpu-quota --cpu-rt-period ' +
      '--cpu-rt-runtime --cpuset-mems --device-read-bps --device-read-iops --device-write-bps ' +
      '--device-write-iops --io-maxbandwidth --io-maxiops --kernel-memory --memory-reservation ' +
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

export const DOCKER_RUN_FLAGS = flagTable(THEMES);

/** Those before the command (`docker --help`, `podman --help`). */
export const DOCKER_FLAGS = flagTable([
  {
    remark: 'A job runs on this machine, with the helper that this app is linked to.',
    values: '-c--context -H--host --connection --url',
    booleans: '-r--remote',
  },
  {
    values:
      '--config -l--log-level --tlscacert --tlscert --tlskey --root --runroot --runtime --storage-driver --storage-opt --tmpdir ' +
      '--cgroup-manager --identity',
    booleans: '-D--debug --tls --tlsverify',
  },
]);

/** `sudo --help` (1.9); what the program may do there, a job gets otherwise. */
export const SUDO_FLAGS = flagTable([
  {
    values:
      '-C--close-from -D--chdir -g--group -p--prompt -R--chroot -r--role -T--command-timeout -t--type -u--user -h--host',
    booleans:
      '-A--askpass -B--bell -b--background -E--preserve-env -H--set-home -k--reset-timestamp -N--no-update -n--non-interactive ' +
      '-P--preserve-groups -S--stdin',
  },
]);
