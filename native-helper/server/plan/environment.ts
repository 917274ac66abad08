import type { CheckedJobSpec } from '../../api/job-spec.ts';

/** Debian's and Fedora's order for root, so that tools in sbin are found although the job can't do much with them. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * The whole environment of a job. Nothing of the helper's own reaches it, and nothing of the caller's that was not
 * asked for:
 *
 * - `PATH`: the system's folders; the command is looked up in it.
 * - `HOME`: /work, the only folder that is the job's own and stays.
 * - `USER`, `LOGNAME`, `SHELL`: what the job's passwd says.
 * - `LANG`: C.UTF-8, the one UTF-8 locale that every glibc and musl has without generated locales.
 * - `TERM`: dumb where standard output is a pipe; on a terminal what most of them understand.
 * - `LC_*`: not set, since the locales that they name may be missing, and then programs complain or fail.
 * - `TZ`: not set, so that /etc/localtime (the host's zone) counts.
 * - `http_proxy` and its like: not set. Whether a job is to use the caller's proxies, and know their passwords, is the caller's to say: the
 *   command line has `--env-proxy`.
 * - `JOB_ID`, and `JOBLET_JOB_NAME` when it has a name: who the job is. Both prefixes are reserved.
 *
 * All but the last two can be replaced by the job's own variables.
 */
export function environmentOf(uuid: string, userName: string, spec: CheckedJobSpec): string[] {
  const variables: Record<string, string> = {
    PATH,
    HOME: '/work',
    USER: userName,
    LOGNAME: userName,
    SHELL: '/bin/sh',
    LANG: 'C.UTF-8',
    TERM: spec.terminal === undefined ? 'dumb' : 'xterm-256color',
    ...spec.environment,
    ...spec.secretEnvironment,
    JOB_ID: uuid,
    ...(spec.name === '' ? {} : { JOBLET_JOB_NAME: spec.name }),
  };
  return Object.entries(variables).map(([name, value]) => `${name}=${value}`);
}
