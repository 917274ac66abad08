/** What the kernel itself gives. The job manager adds what its cgroups and namespaces give. */
import { readFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { causeOf } from '../api/errors.ts';
import { type DoctorCheck, DoctorCheckSchema } from '../api/gen/joblet_pb.js';
import { landlockAbi, type ProbedSystemCall, probeSystemCall } from '../kernel/system-call.ts';

/** What each job is made with, and since when Linux has it. */
const NEEDED: readonly (readonly [call: ProbedSystemCall, purpose: string, since: string])[] = [
  ['clone3', 'starts a job inside its cgroup', '5.7'],
  ['close_range', 'closes what a job must not inherit', '5.9'],
  ['open_tree', 'takes mounts without a path that can be swapped', '5.2'],
  ['move_mount', 'puts them into the job', '5.2'],
  ['mount_setattr', 'makes whole trees read-only', '5.12'],
];

export function examineKernel(): DoctorCheck[] {
  return [...NEEDED.map(neededSystemCall), landlock(), userNamespaces()];
}

function neededSystemCall([call, purpose, since]: (typeof NEEDED)[number]): DoctorCheck {
  const answer = probeSystemCall(call);
  const available = answer !== 'ENOSYS' && answer !== 'EPERM';
  return create(DoctorCheckSchema, {
    name: call,
    available,
    required: true,
    found: available ? purpose : answer,
    mend: available
      ? ''
      : `Use Linux ${since} or newer; in a container, allow ${call} in its seccomp profile.`,
  });
}

function landlock(): DoctorCheck {
  const abi = landlockAbi();
  return create(DoctorCheckSchema, {
    name: 'landlock ABI',
    available: abi > 0,
    required: false,
    found: `${abi}: ${abi >= 4 ? '' : 'no '}TCP ports, ${abi >= 6 ? '' : 'no '}scopes`,
    mend: abi > 0 ? '' : 'Use Linux 5.13 or newer, booted with landlock in lsm=.',
  });
}

/** Jobs don't need them; what runs in a job may. user_namespaces(7). */
function userNamespaces(): DoctorCheck {
  const path = '/proc/sys/user/max_user_namespaces';
  const found = contentOf(path);
  const available = Number(found) > 0;
  return create(DoctorCheckSchema, {
    name: 'user namespaces',
    available,
    required: false,
    found: `${path}: ${found}`,
    mend: available ? '' : 'sysctl -w user.max_user_namespaces=15000',
  });
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    return causeOf(error);
  }
}
