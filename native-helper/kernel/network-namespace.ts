/** Network namespaces (network_namespaces(7)). A namespace lasts as long as a descriptor of it is open or a process is in it. */
import { closeSync, openSync } from 'node:fs';
import { checked, declare, once } from './library.ts';

/** <linux/sched.h> */
const CLONE_NEWNET = 0x40000000;
/** Node's main thread is one of many, and each has a network namespace of its own. */
const OWN = '/proc/thread-self/ns/net';

const native = once(() => ({
  unshare: declare<(flags: number) => number>('int unshare(int flags)'),
  setns: declare<(fd: number, type: number) => number>('int setns(int fd, int type)'),
}));

/** @returns a descriptor of the namespace that this thread is in; the caller closes it. */
export function openOwnNetwork(): number {
  return openSync(OWN, 'r');
}

/** @returns a descriptor of a new namespace, whose loopback is down; the caller closes it. */
export function createNetwork(): number {
  return elsewhere(() => {
    checked(native().unshare(CLONE_NEWNET), 'unshare', 'CLONE_NEWNET');
    return openOwnNetwork();
  });
}

/** Stays there: this thread only. */
export function enterNetwork(network: number): void {
  checked(native().setns(network, CLONE_NEWNET), 'setns', 'network namespace');
}

/**
 * Does `action` in another network namespace: sockets that it makes, and processes that it starts, belong there. It must not
 * wait for anything, since everything else that this thread does meanwhile would happen there, too.
 */
export function inNetwork<T>(network: number, action: () => T): T {
  return elsewhere(() => {
    enterNetwork(network);
    return action();
  });
}

/** A helper that can't come back would serve from inside of a job's network, so it ends. */
function elsewhere<T>(action: () => T): T {
  const own = openOwnNetwork();
  try {
    return action();
  } finally {
    if (native().setns(own, CLONE_NEWNET) !== 0) {
      process.abort();
    }
    closeSync(own);
  }
}
