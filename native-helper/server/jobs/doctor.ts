/** What jobs are made of here: namespaces, cgroups, and the limits that they may therefore ask for. */
import { accessSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { type DoctorCheck, DoctorCheckSchema } from '../../api/gen/joblet_pb.js';
import { type CgroupTree, LIMIT_CONTROLLERS } from '../../kernel/cgroup.ts';

/** The oldest kernel with all that every job needs: cgroup.kill came with 5.14. */
const LEAST_KERNEL = [5, 14] as const;
const NAMESPACES = ['pid', 'mnt', 'ipc', 'uts', 'cgroup'] as const;
const SECCOMP_ACTIONS = '/proc/sys/kernel/seccomp/actions_avail';

/** Without its `required` ones no job runs; each of the others is needed only by jobs that ask for it. */
export function doctorChecks(cgroups: CgroupTree): DoctorCheck[] {
  return [
    kernelVersion(),
    ...NAMESPACES.map(namespace),
    cgroupTree(cgroups),
    cgroupKill(cgroups),
    ...LIMIT_CONTROLLERS.map((controller) => limitController(cgroups, controller)),
    seccomp(),
  ];
}

function kernelVersion(): DoctorCheck {
  const found = release();
  const [major = 0, minor = 0] = found.split('.').map(Number);
  const [leastMajor, leastMinor] = LEAST_KERNEL;
  const available = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  return required('kernel', available, found, `Use Linux ${LEAST_KERNEL.join('.')} or newer.`);
}

function namespace(name: (typeof NAMESPACES)[number]): DoctorCheck {
  const path = `/proc/self/ns/${name}`;
  return required(
    `${name} namespaces`,
    exists(path),
    path,
    'Use a kernel that is built with CONFIG_NAMESPACES.',
  );
}

function cgroupTree({ path }: CgroupTree): DoctorCheck {
  return required('cgroup v2', exists(path), path, 'Mount it: mount -t cgroup2 none /sys/fs/cgroup');
}

function cgroupKill({ jobsPath }: CgroupTree): DoctorCheck {
  const path = join(jobsPath, 'cgroup.kill');
  return required('cgroup.kill', exists(path), path, `Use Linux ${LEAST_KERNEL.join('.')} or newer.`);
}

function limitController(cgroups: CgroupTree, controller: string): DoctorCheck {
  const fault = cgroups.controllerFault(controller);
  const name = `cgroup v2 ${controller}`;
  return fault === null
    ? optional(name, true, 'limits can be enforced', '')
    : optional(name, false, fault.reason, fault.mend);
}

function seccomp(): DoctorCheck {
  const actions = contentOf(SECCOMP_ACTIONS);
  return optional(
    'seccomp filters',
    actions !== '',
    actions,
    'Use a kernel built with CONFIG_SECCOMP_FILTER.',
  );
}

function required(name: string, available: boolean, found: string, mend: string): DoctorCheck {
  return create(DoctorCheckSchema, { ...checkOf(name, available, found, mend), required: true });
}

function optional(name: string, available: boolean, found: string, mend: string): DoctorCheck {
  return create(DoctorCheckSchema, { ...checkOf(name, available, found, mend), required: false });
}

function checkOf(name: string, available: boolean, found: string, mend: string) {
  return { name, available, found: found === '' ? 'not there' : found, mend: available ? '' : mend };
}

function exists(path: string): boolean {
  try {
    // biome-ignore lint/plugin: says what this kernel has; nothing is opened because of it
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
