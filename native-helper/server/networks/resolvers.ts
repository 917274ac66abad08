/** The name servers of jobs with a network of their own: what the host asks in the end, since its loopback is not theirs. */
import { readFileSync } from 'node:fs';
import { isIPv4, isIPv6 } from 'node:net';
import { networkError } from './programs.ts';

/** systemd-resolved and NetworkManager listen on loopback, and write down whom they ask themselves. */
const PLACES = [
  '/etc/resolv.conf',
  '/run/systemd/resolve/resolv.conf',
  '/run/NetworkManager/no-stub-resolv.conf',
  '/run/NetworkManager/resolv.conf',
];

export interface Resolvers {
  /** For the job's /etc/resolv.conf. */
  readonly content: string;
  readonly addresses: readonly string[];
}

export interface ResolverOptions {
  /** Of the helper's configuration: in place of the host's. */
  readonly configured: readonly string[];
  /** Addresses of the host, which jobs don't reach either. */
  readonly isOfHost: (address: string) => boolean;
  /** Whether jobs reach an outside by IPv6. */
  readonly hasIpv6: boolean;
  readonly places?: readonly string[];
}

/**
 * A host without any resolvers gives its jobs none.
 *
 * @throws JobletError (refused) when there are resolvers and a job could reach none of them.
 */
export function resolversOf({ configured, isOfHost, hasIpv6, places = PLACES }: ResolverOptions): Resolvers {
  const isReachable = (address: string): boolean =>
    isIPv4(address) ? !address.startsWith('127.') && !isOfHost(address) : hasIpv6 && isUnicast6(address);
  if (configured.length > 0) {
    return { content: linesOf(configured, []), addresses: configured };
  }
  const files = places.map(contentOf);
  const found = files.map(parseResolvConf);
  for (const { servers, rest } of found) {
    const addresses = servers.filter(isReachable);
    if (addresses.length > 0) {
      return { content: linesOf(addresses, rest), addresses };
    }
  }
  const first = found[0]?.servers ?? [];
  if (first.length === 0) {
    return { content: '', addresses: [] };
  }
  throw networkError(
    'look up',
    places[0] ?? '',
    `names only resolvers that a job with a network of its own can't reach: ${first.join(', ')}`,
    "Name others in the helper's configuration: networks.resolvers.",
  );
}

function isUnicast6(address: string): boolean {
  return isIPv6(address) && !/^(::1?$|fe80:|ff)/i.test(address);
}

/** resolv.conf(5): the last of several `search` lines counts, and so does each of `options`. */
function parseResolvConf(content: string): { servers: string[]; rest: string[] } {
  const lines = content.split('\n').map((line) => line.trim().split(/\s+/));
  return {
    servers: lines.flatMap(([key, value = '']) => (key === 'nameserver' ? value.replace(/%.*$/, '') : [])),
    rest: lines
      .filter(([key = '', ...values]) => ['search', 'options', 'domain'].includes(key) && values.length > 0)
      .map((words) => words.join(' ')),
  };
}

function linesOf(servers: readonly string[], rest: readonly string[]): string {
  return [...servers.map((address) => `nameserver ${address}`), ...rest].map((line) => `${line}\n`).join('');
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
