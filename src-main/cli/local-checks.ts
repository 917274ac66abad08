/** What an ordinary process can see of this machine by itself, where no helper is there to ask. */
import { readFileSync, statSync } from 'node:fs';
import { arch, release } from 'node:os';
import { causeOf } from '../../native-helper/api/errors.ts';

/** The shape of the helper's `DoctorCheck`. */
export interface Check {
  readonly name: string;
  readonly available: boolean;
  readonly required: boolean;
  readonly found: string;
  readonly mend: string;
}

const OLDEST_KERNEL = [5, 14] as const;
/** Those that every job gets; user namespaces are not among them. */
const NAMESPACES = ['pid', 'mnt', 'ipc', 'uts', 'cgroup'] as const;

export function localChecks(): Check[] {
  return [architectureCheck(), kernelCheck(), ...NAMESPACES.map(namespaceCheck), cgroupCheck()];
}

function architectureCheck(): Check {
  const available = ['x64', 'arm64'].includes(arch());
  return {
    name: 'architecture',
    available,
    required: true,
    found: arch(),
    mend: available ? '' : 'Joblet runs on x86-64 and arm64.',
  };
}

function kernelCheck(): Check {
  const available = isKernelNewEnough(release());
  return {
    name: 'kernel',
    available,
    required: true,
    found: release(),
    mend: available ? '' : `Install Linux ${OLDEST_KERNEL.join('.')} or newer.`,
  };
}

/** @param version as uname(2) tells it: `6.1.0-18-amd64` */
export function isKernelNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(/[.-]/).map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_KERNEL;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

function namespaceCheck(name: string): Check {
  const path = `/proc/self/ns/${name}`;
  const outcome = attempt(() => statSync(path));
  return {
    name: `${name} namespace`,
    available: outcome.value !== undefined,
    required: true,
    found: outcome.value === undefined ? `${path}: ${outcome.cause}` : path,
    mend:
      outcome.value === undefined ? 'Use a kernel that was built with namespaces, with /proc mounted.' : '',
  };
}

/** Without cgroup v2 jobs run, but a job that asks for a limit is refused: so it is not required. */
function cgroupCheck(): Check {
  const mountInfo = attempt(() => readFileSync('/proc/self/mountinfo', 'utf8'));
  const mountPoint = cgroup2MountPoint(mountInfo.value ?? '');
  const controllers =
    mountPoint === undefined
      ? ''
      : (attempt(() => readFileSync(`${mountPoint}/cgroup.controllers`, 'utf8')).value ?? '').trim();
  const missing = ['cpu', 'memory', 'pids'].filter((name) => !controllers.split(' ').includes(name));
  return {
    name: 'cgroup v2 limits',
    available: missing.length === 0,
    required: false,
    found:
      mountPoint === undefined
        ? 'no cgroup2 is mounted'
        : `${mountPoint}: ${controllers || 'no controllers'}`,
    mend:
      missing.length === 0
        ? ''
        : `Jobs that ask for limits of ${missing.join(', ')} are refused. Boot with systemd.unified_cgroup_hierarchy=1.`,
  };
}

/** @param mountInfo the text of /proc/self/mountinfo, see proc_pid_mountinfo(5) */
export function cgroup2MountPoint(mountInfo: string): string | undefined {
  for (const line of mountInfo.split('\n')) {
    const [mount = '', fileSystem = ''] = line.split(' - ');
    if (fileSystem.startsWith('cgroup2 ')) {
      return mount.split(' ')[4];
    }
  }
  return undefined;
}

function attempt<Value>(read: () => Value): { value?: Value; cause: string } {
  try {
    return { value: read(), cause: '' };
  } catch (error) {
    return { cause: causeOf(error) };
  }
}
