/**
 * The whole of our packet filter as one transaction for `nft -j -f -`: both tables are replaced together, so that the kernel never
 * filters by half of a change, and what a helper that was killed has left is gone with the next one (libnftables-json(5)).
 */
import type { PublishedPort } from '../../api/networks.ts';
import { type Cidr, formatAddress } from './cidr.ts';

export interface FilteredNetwork {
  readonly bridge: string;
  readonly cidr: Cidr;
  /** The first half of its IPv6 addresses, such as `fd12:3456:789a:1`. */
  readonly prefix6: string;
  /** Whether its jobs may talk to each other. */
  readonly isIsolated: boolean;
}

export interface FilteredLink {
  /** The host's end of the job's interface. */
  readonly device: string;
  readonly mac: string;
  readonly address: string;
  readonly address6: string;
  /** Of the connections that are this job's: whoever had its addresses before had another. */
  readonly mark: number;
  readonly ports: readonly PublishedPort[];
}

export interface Filter {
  /** The name of both tables, and what that of the third begins with. */
  readonly table: string;
  /** Whether the third, which counts connections, is there already: it goes on counting then. */
  readonly hasLimits: boolean;
  /** What the names of all bridges begin with. */
  readonly bridgePrefix: string;
  /** What the names of all hosts' ends begin with. */
  readonly devicePrefix: string;
  readonly networks: readonly FilteredNetwork[];
  readonly links: readonly FilteredLink[];
  /** IPv4 addresses of name servers, which may stand among the forbidden ones. */
  readonly resolvers: readonly string[];
}

/**
 * Where clouds tell a machine its secrets: link-local (AWS, Google, Azure), Alibaba, Azure's wire server, Oracle. And what
 * a packet to an outside never has: the zero network, loopback, multicast, broadcast.
 */
export const FORBIDDEN: readonly Cidr[] = [
  { base: 0x00000000, length: 8 },
  { base: 0x7f000000, length: 8 },
  { base: 0xa9fe0000, length: 16 },
  { base: 0x646464c8, length: 32 },
  { base: 0xa83f8110, length: 32 },
  { base: 0xc00000c0, length: 32 },
  { base: 0xe0000000, length: 3 },
];
/** AWS, Google, Oracle, Scaleway, link-local, multicast. */
const FORBIDDEN_6: readonly (readonly [string, number])[] = [
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
  ['fd00:c1::', 32],
  ['fd00:42::', 32],
  ['fe80::', 10],
  ['ff00::', 8],
];

/**
 * The kernel remembers each connection, usually 262,144 of the whole machine, and refuses everybody's when that is full. This is a 64th,
 * far more than programs have at once, and few enough for the kernel to count them.
 */
export const MAX_CONNECTIONS = 4096;

type Expression = object | string | number | readonly (string | number)[];
type Statement = Readonly<Record<string, unknown>>;

const meta = (key: string): Expression => ({ meta: { key } });
const payload = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });
const ct = (key: string): Expression => ({ ct: { key } });
const range = (addr: string, len: number): Expression => ({ prefix: { addr, len } });
const cidrRange = ({ base, length }: Cidr): Expression => range(formatAddress(base), length);
const match = (left: Expression, right: Expression, op = '=='): Statement => ({ match: { op, left, right } });
const set = (...elements: readonly Expression[]): Expression => ({ set: elements });
const concat = (...parts: readonly Expression[]): Expression => ({ concat: parts });

const ACCEPT: Statement = { accept: null };
const DROP: Statement = { drop: null };
const REJECT: Statement = { jump: { target: 'refuse' } };
/** Told at once, so that a program says what happened instead of waiting for its own time limit. The kernel sends few ICMP a second. */
const UNREACHABLE: Statement = { reject: { type: 'icmpx', expr: 'admin-prohibited' } };
const REFUSALS: readonly Statement[][] = [
  // With br_netfilter the kernel sends a reset past its own NAT: it would come from where another program has led the job.
  [match(ct('status'), 'dnat', 'in'), UNREACHABLE],
  [match(meta('l4proto'), 'tcp'), { reject: { type: 'tcp reset' } }],
  [UNREACHABLE],
];
/**
 * In its own network a job may take any port. To an outside that trusts this machine, such as a server of NFS, what comes from a port
 * below 1024 comes from its root; so none of them is passed on.
 */
const MASQUERADE: readonly Statement[][] = [
  [match(meta('l4proto'), set('tcp', 'udp')), { masquerade: { port: { range: [1024, 65_535] } } }],
  [{ masquerade: null }],
];
const LOOPBACK = range('127.0.0.0', 8);
const FROM_JOBS = match(meta('iifname'), '@bridges');
const TO_JOBS = match(meta('oifname'), '@bridges');
const NOT_FROM_JOBS = match(meta('iifname'), '@bridges', '!=');
const NOT_TO_JOBS = match(meta('oifname'), '@bridges', '!=');
const KNOWN = match(ct('state'), ['established', 'related'], 'in');
/**
 * What belongs to the job that has the address now. Else who was spoken to by its last holder, or speaks to a port that it had published,
 * could go on talking to the next.
 */
const owned = (side: 'saddr' | 'daddr'): readonly Statement[] => [
  match(concat(payload('ip', side), ct('mark')), '@owners'),
  match(concat(payload('ip6', side), ct('mark')), '@owners6'),
];
const KNOWN_FROM_JOBS = owned('saddr').map((each) => [KNOWN, each]);
/** Answers to what the job has asked, and what comes by a port that it has published. */
const ASKED_OR_PUBLISHED = owned('daddr');
/** A job that itself sends on a connection that another had makes it its own; an answer makes nothing anybody's, nor does an error (ICMP). */
const BY_OPENER = match(ct('direction'), 'original');
const NO_ERROR = match(ct('state'), ['new', 'established'], 'in');
const own = (mark: Expression): Statement => ({ mangle: { key: ct('mark'), value: mark } });
const markOf = (source: Expression, map: string): Statement => own({ map: { key: source, data: map } });
const NEW = match(ct('state'), 'new', 'in');
const TO_HOST = match({ fib: { result: 'type', flags: ['daddr'] } }, 'local');
const PUBLISHED = match(ct('status'), 'dnat', 'in');
const NEIGHBOURS = match(payload('icmpv6', 'type'), set('nd-neighbor-solicit', 'nd-neighbor-advert'));
/** What turns the way of others: only routers send these, and no job is one. */
const ROUTER_TALK = match(
  payload('icmpv6', 'type'),
  set('nd-router-solicit', 'nd-router-advert', 'nd-redirect'),
);

/** Other programs' rules come at 0, and can still forbid what these let through. */
const BEFORE_OTHERS = -10;
const RAW = -300;
/** The kernel knows by then which connection a packet belongs to, and nobody has changed where it goes. */
const MANGLE = -150;
const DESTINATION_NAT = -100;
const SOURCE_NAT = 100;

/** Whoever parses it sees `{nftables: […]}`. Without networks it only removes the tables. */
export function rulesetOf(filter: Filter): object {
  const { table, networks, hasLimits } = filter;
  const tables = ['inet', 'bridge'].map((family) => ({ table: { family, name: table } }));
  const limits = { table: { family: 'inet', name: limitsOf(table) } };
  const replaced = hasLimits && networks.length > 0 ? tables : [...tables, limits];
  // A table that isn't there can't be deleted, and one that is may be added again.
  const removal = replaced.flatMap((each) => [{ add: each }, { delete: each }]);
  if (networks.length === 0) {
    return { nftables: removal };
  }
  return {
    nftables: [
      ...removal,
      ...replaced.map((each) => ({ add: each })),
      ...internetTable(filter),
      ...bridgeTable(filter),
      ...(hasLimits ? [] : limitsTable(filter)),
    ],
  };
}

function limitsOf(table: string): string {
  return `${table}-limits`;
}

/** What passes between networks, to the host and from it. */
function internetTable({ table, networks, links, resolvers }: Filter): object[] {
  const { chain, rule, elements, map } = writerOf('inet', table);
  const ports = links.flatMap((link) => link.ports.map((port) => ({ link, port })));
  const ranges = networks.map(({ cidr }) => cidrRange(cidr));
  const ranges6 = networks.map(({ prefix6 }) => range(`${prefix6}::`, 64));
  return [
    elements(
      'bridges',
      'ifname',
      networks.map(({ bridge }) => bridge),
    ),
    map(
      'marks',
      ['ipv4_addr', 'mark'],
      links.map(({ address, mark }) => [address, mark]),
    ),
    map(
      'marks6',
      ['ipv6_addr', 'mark'],
      links.map(({ address6, mark }) => [address6, mark]),
    ),
    elements(
      'owners',
      ['ipv4_addr', 'mark'],
      links.map(({ address, mark }) => concat(address, mark)),
    ),
    elements(
      'owners6',
      ['ipv6_addr', 'mark'],
      links.map(({ address6, mark }) => concat(address6, mark)),
    ),

    chain('raw', { type: 'filter', hook: 'prerouting', prio: RAW }),
    // A published port on loopback makes the host take such addresses from a bridge (route_localnet; CVE-2020-8558).
    rule('raw', FROM_JOBS, match(payload('ip', 'daddr'), LOOPBACK), DROP),
    rule('raw', FROM_JOBS, match(payload('ip', 'saddr'), LOOPBACK), DROP),

    ...refuseChain(table),

    chain('asked', { type: 'filter', hook: 'prerouting', prio: MANGLE }),
    rule('asked', FROM_JOBS, BY_OPENER, NO_ERROR, markOf(payload('ip', 'saddr'), '@marks')),
    rule('asked', FROM_JOBS, BY_OPENER, NO_ERROR, markOf(payload('ip6', 'saddr'), '@marks6')),
    // Before another program leads a port of this machine elsewhere, as Docker does: then the refusal comes from whom the job has asked.
    rule('asked', FROM_JOBS, NEW, TO_HOST, REJECT),

    chain('input', { type: 'filter', hook: 'input', prio: BEFORE_OTHERS }),
    rule('input', NOT_FROM_JOBS, ACCEPT),
    ...KNOWN_FROM_JOBS.map((each) => rule('input', ...each, ACCEPT)),
    rule('input', NEIGHBOURS, ACCEPT),
    rule('input', REJECT),

    chain('forward', { type: 'filter', hook: 'forward', prio: BEFORE_OTHERS }),
    // With br_netfilter, what goes from one port of a bridge to another comes by here, too.
    ...networks
      .filter(({ isIsolated }) => !isIsolated)
      .map(({ bridge }) =>
        rule('forward', match(meta('iifname'), bridge), match(meta('oifname'), bridge), ACCEPT),
      ),
    rule('forward', FROM_JOBS, TO_JOBS, REJECT),
    ...KNOWN_FROM_JOBS.map((each) => rule('forward', ...each, ACCEPT)),
    ...ASKED_OR_PUBLISHED.map((each) => rule('forward', each, ACCEPT)),
    rule('forward', FROM_JOBS, PUBLISHED, REJECT),
    ...resolvers.map((address) =>
      rule(
        'forward',
        FROM_JOBS,
        match(payload('ip', 'daddr'), address),
        match(meta('l4proto'), set('tcp', 'udp')),
        match(payload('th', 'dport'), 53),
        ACCEPT,
      ),
    ),
    rule('forward', FROM_JOBS, match(payload('ip', 'daddr'), set(...FORBIDDEN.map(cidrRange))), REJECT),
    rule(
      'forward',
      FROM_JOBS,
      match(payload('ip6', 'daddr'), set(...FORBIDDEN_6.map(([addr, length]) => range(addr, length)))),
      REJECT,
    ),
    rule('forward', FROM_JOBS, ACCEPT),
    rule('forward', TO_JOBS, REJECT),

    chain('output', { type: 'filter', hook: 'output', prio: BEFORE_OTHERS }),
    rule('output', NOT_TO_JOBS, ACCEPT),
    ...ASKED_OR_PUBLISHED.map((each) => rule('output', each, ACCEPT)),
    rule('output', NEIGHBOURS, ACCEPT),
    rule('output', REJECT),

    chain('publish', { type: 'nat', hook: 'prerouting', prio: DESTINATION_NAT }),
    // Nobody outside has any business with the host's loopback, whatever address stands in a packet.
    ...ports
      .filter(({ port }) => !port.address.startsWith('127.'))
      .map(({ link, port }) => rule('publish', NOT_FROM_JOBS, ...redirect(link, port))),
    chain('publish-here', { type: 'nat', hook: 'output', prio: DESTINATION_NAT }),
    ...ports.map(({ link, port }) => rule('publish-here', ...redirect(link, port))),

    chain('masquerade', { type: 'nat', hook: 'postrouting', prio: SOURCE_NAT }),
    ...[
      match(payload('ip', 'saddr'), set(...ranges)),
      match(payload('ip6', 'saddr'), set(...ranges6)),
    ].flatMap((fromJobs) =>
      MASQUERADE.map((statements) => rule('masquerade', fromJobs, NOT_TO_JOBS, ...statements)),
    ),
    rule('masquerade', match(payload('ip', 'saddr'), LOOPBACK), TO_JOBS, { masquerade: null }),
  ];
}

/** A table of its own, which outlives changes of the other two: what has been counted is lost with the rule that counts. */
function limitsTable({ table, bridgePrefix }: Filter): object[] {
  const { chain, rule } = writerOf('inet', limitsOf(table));
  const fromJobs = match(meta('iifname'), `${bridgePrefix}*`);
  return [
    ...refuseChain(limitsOf(table)),
    chain('forward', { type: 'filter', hook: 'forward', prio: BEFORE_OTHERS - 1 }),
    ...['ip', 'ip6'].map((protocol) => rule('forward', fromJobs, NEW, beyondLimit(protocol), REJECT)),
  ];
}

function beyondLimit(protocol: string): Statement {
  return {
    meter: {
      name: `connections-${protocol}`,
      key: payload(protocol, 'saddr'),
      size: 65_535,
      stmt: { 'ct count': { val: MAX_CONNECTIONS, inv: true } },
    },
  };
}

function refuseChain(table: string): object[] {
  const { rule } = writerOf('inet', table);
  return [
    { add: { chain: { family: 'inet', table, name: 'refuse' } } },
    ...REFUSALS.map((refusal) => rule('refuse', ...refusal)),
  ];
}

function redirect(link: FilteredLink, { address, hostPort, jobPort, protocol }: PublishedPort): Statement[] {
  return [
    // An address may leave this machine while the job lives: then it is another's.
    TO_HOST,
    ...(address === '0.0.0.0' ? [] : [match(payload('ip', 'daddr'), address)]),
    match(payload(protocol, 'dport'), hostPort),
    own(link.mark),
    { dnat: { family: 'ip', addr: link.address, port: jobPort } },
  ];
}

/** What a job sends must bear the addresses that it was given; nothing else comes off its interface. */
function bridgeTable({ table, devicePrefix, links }: Filter): object[] {
  const { chain, rule, elements } = writerOf('bridge', table);
  const source = (...address: readonly Expression[]): Expression =>
    concat(meta('iifname'), payload('ether', 'saddr'), ...address);
  return [
    elements(
      'sources',
      ['ifname', 'ether_addr', 'ipv4_addr'],
      links.map(({ device, mac, address }) => concat(device, mac, address)),
    ),
    elements(
      'sources6',
      ['ifname', 'ether_addr', 'ipv6_addr'],
      links.map(({ device, mac, address6 }) => concat(device, mac, address6)),
    ),
    chain('prerouting', { type: 'filter', hook: 'prerouting', prio: RAW }),
    rule('prerouting', match(meta('iifname'), `${devicePrefix}*`, '!='), ACCEPT),
    rule('prerouting', match(source(payload('arp', 'saddr ip')), '@sources'), ACCEPT),
    rule('prerouting', match(source(payload('ip', 'saddr')), '@sources'), ACCEPT),
    rule('prerouting', ROUTER_TALK, DROP),
    rule('prerouting', match(source(payload('ip6', 'saddr')), '@sources6'), ACCEPT),
    rule('prerouting', DROP),
  ];
}

interface BaseChain {
  readonly type: 'filter' | 'nat';
  readonly hook: string;
  readonly prio: number;
}

function writerOf(family: string, table: string) {
  return {
    chain: (name: string, base: BaseChain) => ({ add: { chain: { family, table, name, ...base } } }),
    rule: (chain: string, ...expr: readonly Statement[]) => ({
      add: { rule: { family, table, chain, expr } },
    }),
    map: (name: string, [type, value]: readonly [string, string], elem: readonly Expression[]) => ({
      add: { map: { family, table, name, type, map: value, ...(elem.length === 0 ? {} : { elem }) } },
    }),
    elements: (name: string, type: string | readonly string[], elem: readonly Expression[]) => ({
      add: { set: { family, table, name, type, ...(elem.length === 0 ? {} : { elem }) } },
    }),
  };
}
