/** What Landlock adds to a job's namespaces (landlock(7)): nothing else keeps a job on the host's network from the user's desktop. */
import { JobletError } from '../../api/errors.ts';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import { parsePortList } from '../../api/networks.ts';
import type { Landlock } from './plan.ts';

/** Since which version of its ABI Landlock can do it, and since when Linux has that. */
const TCP_PORTS = { abi: 4, kernel: '6.7' } as const;
const SCOPES = { abi: 6, kernel: '6.12' } as const;

/**
 * On a network of its own a job finds no abstract socket but its own, and in its PID namespace no process: it needs scopes only where it
 * shares the host's network. There it has them wherever the kernel can.
 *
 * @param abi of this kernel; 0 = it has no Landlock.
 * @returns undefined when there is nothing to add.
 * @throws JobletError (refused) when something that was asked for can't be had.
 */
export function landlockOf(
  { network, require, tcpPorts }: CheckedJobSpec,
  abi: number,
): Landlock | undefined {
  const isOnHost = network === '' || network === 'host';
  if (isOnHost && require.includes('landlock-scopes')) {
    requireAbi(abi, SCOPES, 'scopes of abstract sockets and signals');
  }
  const bind = portsOf(tcpPorts.bind);
  const connect = portsOf(tcpPorts.connect);
  if (bind !== undefined || connect !== undefined) {
    requireAbi(abi, TCP_PORTS, 'limits on TCP ports');
  }
  const hasScopes = isOnHost && abi >= SCOPES.abi;
  if (!hasScopes && bind === undefined && connect === undefined) {
    return undefined;
  }
  return { scopes: hasScopes ? ['abstractSockets', 'signals'] : [], bind, connect };
}

function portsOf(list: string | undefined): number[] | undefined {
  return list === undefined ? undefined : parsePortList(list);
}

function requireAbi(found: number, { abi, kernel }: { abi: number; kernel: string }, object: string): void {
  if (found < abi) {
    throw new JobletError('refused', {
      layer: 'landlock',
      operation: 'limit',
      object,
      reason:
        found === 0
          ? 'this kernel has no Landlock'
          : `this kernel's Landlock has version ${found}, and ${abi} can do it`,
      mend: `Use Linux ${kernel} or newer with landlock in lsm=, or do not ask for it.`,
    });
  }
}
