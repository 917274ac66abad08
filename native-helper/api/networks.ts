/** The words in which a job asks for a network: names, published ports, ports of TCP. */

/** Those that are always there. */
export const BUILT_IN_NETWORKS = ['host', 'none', 'isolated', 'bridge'] as const;

/** Neither a path nor an option of a program, and nothing that looks like another name. */
const NETWORK_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/;
export const NETWORK_NAME_RULE =
  'must be 1 to 63 letters, digits, - and _, and begin with a letter or a digit';

export function isNetworkName(name: string): boolean {
  return NETWORK_NAME.test(name);
}

/** Whether jobs on it have an address of their own: all but the host's own network, and none. */
export function hasAddresses(network: string): boolean {
  return !['', 'host', 'none'].includes(network);
}

/** A port of the host that leads to one of a job. */
export interface PublishedPort {
  /** IPv4 of the host; `0.0.0.0` = all of its addresses. */
  readonly address: string;
  readonly hostPort: number;
  readonly jobPort: number;
  readonly protocol: 'tcp' | 'udp';
}

/** Only this machine itself reaches what is published without an address. */
const DEFAULT_ADDRESS = '127.0.0.1';
const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const PUBLISHED = new RegExp(`^(?:(${OCTET}(?:\\.${OCTET}){3}):)?(\\d{1,5}):(\\d{1,5})(?:/(tcp|udp))?$`);
export const PUBLISHED_WHERE =
  'can be published only by a job with a network of its own: isolated, bridge, or one by name';
export const PUBLISHED_RULE = 'must be [ADDRESS:]HOST_PORT:JOB_PORT[/udp], such as 8080:80';

/** @returns undefined when the text is none. */
export function parsePublishedPort(text: string): PublishedPort | undefined {
  const [, address = DEFAULT_ADDRESS, host, job, protocol = 'tcp'] = PUBLISHED.exec(text) ?? [];
  const hostPort = Number(host);
  const jobPort = Number(job);
  return isPort(hostPort) && isPort(jobPort)
    ? { address, hostPort, jobPort, protocol: protocol as 'tcp' | 'udp' }
    : undefined;
}

/** @returns −1 when each can be had beside the others: 0.0.0.0 is every address of the machine. */
export function indexOfPortPublishedAgain(texts: readonly string[]): number {
  const ports = texts.map(parsePublishedPort);
  return ports.findIndex((port, index) =>
    ports.slice(0, index).some((other) => port !== undefined && other !== undefined && collide(port, other)),
  );
}

function collide(one: PublishedPort, other: PublishedPort): boolean {
  const addresses = [one.address, other.address];
  return (
    one.hostPort === other.hostPort &&
    one.protocol === other.protocol &&
    (one.address === other.address || addresses.includes('0.0.0.0'))
  );
}

function isPort(port: number): boolean {
  return port >= 1 && port <= 65_535;
}

/** Landlock has a rule for each port, so a list of them has an end. */
export const MAX_TCP_PORTS = 1024;
const PORT_LIST = /^(?:\d{1,5}(?:-\d{1,5})?(?:,(?!$)|$))*$/;
export const PORT_LIST_RULE = `must be up to ${MAX_TCP_PORTS} ports, such as 80,443,8000-8010; empty = none at all`;

/** @returns the ports in ascending order; undefined when the text is no such list. */
export function parsePortList(text: string): number[] | undefined {
  if (!PORT_LIST.test(text)) {
    return undefined;
  }
  const ports = new Set<number>();
  for (const part of text.split(',').filter((each) => each !== '')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    if (!isPort(first) || !isPort(last) || first > last || last - first >= MAX_TCP_PORTS) {
      return undefined;
    }
    for (let port = first; port <= last; port += 1) {
      ports.add(port);
    }
  }
  return ports.size > MAX_TCP_PORTS ? undefined : [...ports].sort((a, b) => a - b);
}
