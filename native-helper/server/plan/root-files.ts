/** The files under /etc that are written for the job instead of shown from the host. */
import { readFileSync } from 'node:fs';
import type { Mount } from './plan.ts';
import { isMissing } from './sources.ts';

export interface JobIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  readonly hostname: string;
}

/** The kernel's overflow id (/proc/sys/kernel/overflowuid), `nobody` on every distribution. */
const OVERFLOW_ID = 65_534;

export function identityOf(uid: number, gid: number, hostname: string): JobIdentity {
  return {
    uid,
    gid,
    userName: uid === OVERFLOW_ID ? 'nobody' : 'job',
    groupName: gid === OVERFLOW_ID ? 'nogroup' : 'job',
    hostname,
  };
}

/** How a job with a network of its own looks up names; absent: as the host does, whose network it shares (ADR-003). */
export interface JobNames {
  readonly resolvConf?: string;
  /** Lines for /etc/hosts. */
  readonly hosts?: string;
}

const HOST_RESOLV_CONF = '/etc/resolv.conf';

export function writtenFilesFor(identity: JobIdentity, { resolvConf, hosts = '' }: JobNames = {}): Mount[] {
  const { uid, gid, userName, groupName, hostname } = identity;
  return [
    file(
      '/etc/passwd',
      `root:x:0:0:root:/:/usr/sbin/nologin\n${userName}:x:${uid}:${gid}:job:/work:/bin/sh\n`,
    ),
    file('/etc/group', `root:x:0:\ntty:x:5:\n${groupName}:x:${gid}:\n`),
    file(
      '/etc/hosts',
      `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 ${hostname}\n${hosts}`,
    ),
    file('/etc/hostname', `${hostname}\n`),
    file(
      '/etc/nsswitch.conf',
      'passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n',
    ),
    file('/etc/resolv.conf', resolvConf ?? contentOf(HOST_RESOLV_CONF)),
  ];
}

function file(target: string, content: string | Buffer): Mount {
  return { kind: 'file', target, mode: 0o644, content: Buffer.from(content) };
}

/** Copied, since it is often a link into /run, and replaced while jobs run. A host without one has no resolvers. */
function contentOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (isMissing(error)) {
      return Buffer.alloc(0);
    }
    throw error;
  }
}
