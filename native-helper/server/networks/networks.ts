/**
 * The networks of jobs: what there is of them, who has which address, and what of it stands in the kernel.
 *
 * The state says what must be there; the packet filter is made from it as a whole, each time. A bridge is there while a job uses
 * its network. A job's own end lasts as long as its processes, because nothing but they and their monitor hold the namespace.
 */
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerConfig } from '../../api/config-schema.ts';
import { causeOf, JobletError } from '../../api/errors.ts';
import type { DoctorCheck } from '../../api/gen/joblet_pb.js';
import type { CheckedJobSpec } from '../../api/job-spec.ts';
import {
  BUILT_IN_NETWORKS,
  hasAddresses,
  isNetworkName,
  NETWORK_NAME_RULE,
  type PublishedPort,
  parsePublishedPort,
} from '../../api/networks.ts';
import { bindPort } from '../../kernel/bound-socket.ts';
import { createNetwork } from '../../kernel/network-namespace.ts';
import type { Logger } from '../log.ts';
import type { CommitQueue } from '../state/commit-queue.ts';
import { AddressPool } from './address-pool.ts';
import { type Cidr, formatAddress, formatCidr, isInside, overlap, parseAddress, parseCidr } from './cidr.ts';
import { networkChecks } from './doctor.ts';
import * as host from './host.ts';
import { type AttachedJob, NetworkKernel } from './kernel.ts';
import { address6Of, KernelNames, prefix6Of } from './names.ts';
import type { NetworkRecord, NetworkStore } from './network-store.ts';
import { networkError } from './programs.ts';
import { type Resolvers, resolversOf } from './resolvers.ts';
import { FORBIDDEN } from './ruleset.ts';

/** Of custom networks: a larger one takes most of a private range, a smaller one has no room for a job beside the gateway. */
const LARGEST = 8;
const SMALLEST = 30;
const MAX_NETWORKS = 256;
/**
 * RFC 1918 and RFC 6598. Whoever makes a network takes its range away from all of this machine, and is not root: of the ranges of others
 * none can be had.
 */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
/** What the built-in networks take when they are first used: the first of these that the host doesn't use itself. */
const USUAL_RANGES = ['10.217', '172.29', '192.168', '100.99'].flatMap((half) =>
  [212, 208, 216, 220, 224, 228].map((part) => checkedCidr(`${half}.${part}.0/22`)),
);
/** The monitor of a job that has just ended holds its ports until its record is on the disk. */
const PORT_PATIENCE_MS = 1000;
const PORT_RETRY_MS = 20;

export interface NetworksOptions {
  readonly root: string;
  readonly store: NetworkStore;
  readonly commits: CommitQueue;
  readonly config: ServerConfig['networks'];
  readonly executorFd: number;
  readonly logger: Logger;
}

/** What a job on a network of its own is started with. */
export interface Attachment extends Disposable {
  /** Its network namespace. */
  readonly namespaceFd: number;
  /** Bound sockets that keep its published ports from others: the monitor holds them until it ends. */
  readonly portFds: readonly number[];
  readonly resolvConf: string;
  /** Lines for /etc/hosts: the jobs of its network that run already, and itself. */
  readonly hosts: string;
}

export interface NetworkView {
  readonly name: string;
  readonly cidr: string;
  readonly bridge: string;
  readonly prefix6: string;
  readonly jobs: number;
  readonly builtIn: boolean;
}

export class Networks implements Disposable {
  readonly #options: NetworksOptions;
  readonly #names: KernelNames;
  readonly #kernel: NetworkKernel;
  readonly #networks: Map<string, NetworkRecord>;
  readonly #pools = new Map<string, AddressPool>();
  readonly #jobs = new Map<string, AttachedJob>();
  /** Jobs that have ended and whose addresses are not given back yet. */
  readonly #leaving = new Map<string, AttachedJob>();
  readonly #releasing = new Map<string, Promise<unknown>>();

  constructor(options: NetworksOptions) {
    this.#options = options;
    this.#names = new KernelNames(options.root);
    this.#networks = new Map(options.store.networks().map((network) => [network.name, network]));
    this.#kernel = new NetworkKernel({
      names: this.#names,
      config: options.config,
      jobs: () => [...this.#jobs.values()],
      resolvers: () => this.#filteredResolvers(),
      executorFd: options.executorFd,
      logger: options.logger,
    });
  }

  /**
   * Goes on with what the helper before has left: makes the filter whole for the jobs that live, and gives back the rest. Once, before
   * anything else is asked.
   *
   * @param specOf the specification of a job that has a network, if it asked for one; undefined when it has ended or only waits.
   */
  async restore(specOf: (uuid: string) => CheckedJobSpec | undefined): Promise<void> {
    const { store, commits, logger } = this.#options;
    const leases = store.leases();
    for (const { uuid, network: name, address } of leases) {
      const network = this.#networks.get(name);
      const spec = specOf(uuid);
      if (network !== undefined && spec !== undefined) {
        this.#jobs.set(uuid, attachedJob(uuid, spec, network, address));
      } else if (network !== undefined) {
        this.#leaving.set(uuid, { uuid, network, address, hostname: '', ports: [] });
      }
    }
    if (leases.length === 0) {
      return;
    }
    try {
      await this.#kernel.restore();
      const ended = leases.filter(({ uuid }) => !this.#jobs.has(uuid));
      await commits.commit(
        () => void ended.forEach(({ uuid }) => void store.deleteLease(uuid)),
        'recoverable',
      );
      this.#leaving.clear();
    } catch (error) {
      logger.error({ err: error }, 'the networks of jobs could not be brought up to date');
    }
  }

  doctor(): Promise<DoctorCheck[]> {
    return networkChecks(this.#options.config, this.#names);
  }

  list(): NetworkView[] {
    const builtIn = BUILT_IN_NETWORKS.map((name) => this.#view(name, true));
    const others = [...this.#networks.keys()].filter((name) => !isBuiltIn(name));
    return [...builtIn, ...others.map((name) => this.#view(name, false))];
  }

  /** @throws JobletError: invalid, conflict (the name is taken), refused (the range can't be had) or exhausted. */
  async create(name: string, cidrText: string): Promise<NetworkView> {
    const { store, commits } = this.#options;
    if (!isNetworkName(name)) {
      throw invalid('create', JSON.stringify(name.slice(0, 80)), `the name ${NETWORK_NAME_RULE}`);
    }
    if (isBuiltIn(name) || this.#networks.has(name)) {
      throw new JobletError('conflict', {
        layer: 'network',
        operation: 'create',
        object: name,
        reason: isBuiltIn(name) ? 'is the name of a network that is always there' : 'is there already',
        mend: `Choose another name, or remove it first: joblet network remove ${name}`,
      });
    }
    this.#refuseSameBridge(name);
    const cidr = checkedCidr(cidrText);
    if (this.#networks.size >= MAX_NETWORKS) {
      throw exhausted('create', name, `there are ${MAX_NETWORKS} networks already`, 'Remove one first.');
    }
    const network = { name, cidr, createdUs: Date.now() * 1000 };
    // Taken before anybody is waited for, so that of two requests at one time only one gets it.
    this.#refuseOverlap(network);
    this.#networks.set(name, network);
    try {
      await this.#kernel.refuseHostOverlap(network);
      await commits.commit(() => store.insertNetwork(network), 'durable');
    } catch (error) {
      this.#networks.delete(name);
      throw error;
    }
    return this.#view(name, false);
  }

  /** @throws JobletError: not_found, conflict while a job that has not ended uses it, or refused when the kernel keeps what one had of it. */
  async remove(name: string): Promise<void> {
    const { store, commits } = this.#options;
    if (isBuiltIn(name)) {
      throw new JobletError('conflict', {
        layer: 'network',
        operation: 'remove',
        object: name,
        reason: 'is always there',
        mend: '',
      });
    }
    await Promise.all(this.#releasing.values());
    const fault = await this.#takeAwayLeaving();
    const network = this.#networks.get(name);
    if (network === undefined) {
      throw noSuchNetwork(name);
    }
    const jobs = store.jobsUsing(name);
    if (jobs > 0) {
      throw new JobletError('conflict', {
        layer: 'network',
        operation: 'remove',
        object: name,
        reason: `is used by ${jobs === 1 ? '1 job that has' : `${jobs} jobs that have`} not ended`,
        mend: 'Stop or cancel them first: joblet job list',
      });
    }
    if (this.#jobsOn(name).length > 0) {
      throw networkError(
        'remove',
        name,
        'what jobs that have ended had of it could not be taken away',
        'See what networks lack here: joblet doctor',
        fault,
      );
    }
    this.#networks.delete(name);
    this.#pools.delete(name);
    try {
      await commits.commit(() => store.deleteNetwork(name), 'durable');
    } catch (error) {
      this.#networks.set(name, network);
      throw error;
    }
  }

  /**
   * Call it inside the commit that makes a job durable: from then on the network is not removed.
   *
   * @throws JobletError (not_found)
   */
  require(name: string): void {
    if (hasAddresses(name) && !isBuiltIn(name) && !this.#networks.has(name)) {
      throw noSuchNetwork(name);
    }
  }

  /**
   * @param ownerUid whose job it is
   * @throws JobletError (refused, not_found, exhausted) when it is known already that the job can't have its network.
   */
  refuseImpossible({ network: name, ports }: CheckedJobSpec, ownerUid: number): void {
    if (!hasAddresses(name)) {
      return;
    }
    this.require(name);
    const pool = this.#pools.get(name);
    const leaving = [...this.#leaving.values()].filter((job) => job.network.name === name).length;
    if (pool !== undefined && pool.taken - leaving >= pool.capacity) {
      throw usedUp(name, pool);
    }
    this.#kernel.program('ip');
    this.#kernel.program('nft');
    this.#resolvers();
    for (const port of ports.map(publishedPort)) {
      if (port.address !== ANY_ADDRESS && !isOfHost(port.address)) {
        throw this.#portError(port, 'EADDRNOTAVAIL', undefined);
      }
      refusePrivilegedPort(port, ownerUid);
    }
  }

  /**
   * Makes the network of a job that is about to start: durable first, then in the kernel. `release` must follow when the job ends.
   *
   * @returns undefined when it needs none: on the host's network, or without any.
   * @throws JobletError when it can't be had; then nothing of it is left.
   */
  async attach(uuid: string, spec: CheckedJobSpec): Promise<Attachment | undefined> {
    if (!hasAddresses(spec.network)) {
      return undefined;
    }
    await this.#releasing.get(uuid); // of the attempt before
    using stack = new DisposableStack();
    const portFds: number[] = [];
    for (const port of spec.ports.map(publishedPort)) {
      const fd = await this.#bind(port);
      stack.defer(() => closeSync(fd));
      portFds.push(fd);
    }
    const resolvers = this.#resolvers();
    const job = await this.#lease(uuid, spec);
    try {
      const namespaceFd = createNetwork();
      stack.defer(() => closeSync(namespaceFd));
      await this.#kernel.attach(job, namespaceFd);
      const kept = stack.move();
      return {
        namespaceFd,
        portFds,
        resolvConf: resolvers.content,
        hosts: this.#hostsOf(job),
        [Symbol.dispose]: () => kept.dispose(),
      };
    } catch (error) {
      await this.release(uuid);
      throw error;
    }
  }

  /** Takes away what a job had, if it had anything. Never throws: what can't be taken away now goes with the next change. */
  async release(uuid: string): Promise<void> {
    const job = this.#jobs.get(uuid);
    if (job === undefined) {
      return;
    }
    this.#jobs.delete(uuid);
    this.#leaving.set(uuid, job);
    await this.#takeAwayLeaving();
  }

  /**
   * What has just ended, and what could not be taken away before. None is in two batches: it could be given to another job between
   * their ends.
   *
   * @returns what went wrong.
   */
  async #takeAwayLeaving(): Promise<unknown> {
    const batch = [...this.#leaving.values()].filter((each) => !this.#releasing.has(each.uuid));
    if (batch.length === 0) {
      return undefined;
    }
    const taken = this.#takeAway(batch);
    for (const each of batch) {
      this.#releasing.set(each.uuid, taken);
    }
    const fault = await taken;
    for (const each of batch) {
      this.#releasing.delete(each.uuid);
    }
    return fault;
  }

  async #takeAway(batch: readonly AttachedJob[]): Promise<unknown> {
    const { store, commits, logger } = this.#options;
    try {
      await this.#kernel.detach(batch);
      await commits.commit(
        () => void batch.forEach(({ uuid }) => void store.deleteLease(uuid)),
        'recoverable',
      );
      for (const { uuid, network, address } of batch) {
        this.#leaving.delete(uuid);
        this.#pools.get(network.name)?.giveBack(address);
      }
      return undefined;
    } catch (error) {
      const jobs = batch.map(({ uuid }) => uuid);
      logger.error({ err: error, jobs }, 'the networks of jobs could not be taken away');
      return error;
    }
  }

  /** IPv4, then IPv6; empty when the job has none of its own. */
  addressesOf(uuid: string): string[] {
    const job = this.#jobs.get(uuid);
    if (job === undefined) {
      return [];
    }
    const { network, address } = job;
    const address6 = address6Of(prefix6Of(network.name, network.createdUs), address);
    return [formatAddress(address), ...(host.hasIpv6() ? [address6] : [])];
  }

  /** Waits for what is being taken away. The networks of running jobs stay. */
  async close(): Promise<void> {
    await Promise.all(this.#releasing.values());
  }

  /** When no job is started any more. */
  [Symbol.dispose](): void {
    this.#kernel[Symbol.dispose]();
  }

  async #lease(uuid: string, spec: CheckedJobSpec): Promise<AttachedJob> {
    const { store, commits } = this.#options;
    const known = this.#jobs.get(uuid) ?? this.#leaving.get(uuid);
    if (known !== undefined) {
      // It was being started when the helper before ended, or what it had before could not be taken away.
      this.#leaving.delete(uuid);
      this.#jobs.set(uuid, known);
      return known;
    }
    const network = await this.#current(spec.network);
    const pool = this.#poolOf(network);
    const address = pool.take() ?? (await this.#takeReleased(pool));
    if (address === undefined) {
      throw usedUp(network.name, pool);
    }
    const job = attachedJob(uuid, spec, network, address);
    this.#jobs.set(uuid, job);
    try {
      await commits.commit(() => store.insertLease({ uuid, network: network.name, address }), 'durable');
    } catch (error) {
      this.#jobs.delete(uuid);
      pool.giveBack(address);
      throw error;
    }
    return job;
  }

  /** One of a job that has just ended. */
  async #takeReleased(pool: AddressPool): Promise<number | undefined> {
    await Promise.all(this.#releasing.values());
    return pool.take();
  }

  /** A built-in network gets its range when it is first used, and another when the host has come to use that one. */
  async #current(name: string): Promise<NetworkRecord> {
    const network = this.#networks.get(name);
    if (isBuiltIn(name)) {
      return this.#kernel.alone(() => this.#chosen(name));
    }
    if (network === undefined) {
      throw noSuchNetwork(name);
    }
    return network;
  }

  async #chosen(name: string): Promise<NetworkRecord> {
    const { store, commits } = this.#options;
    const known = this.#networks.get(name);
    if (known !== undefined && this.#jobsOn(name).length > 0) {
      return known;
    }
    const others = [...this.#networks.values()].filter((each) => each.name !== name);
    const free = USUAL_RANGES.filter((range) => !others.some(({ cidr }) => overlap(cidr, range)));
    // The one that it has comes first.
    const cidr = await this.#kernel.firstUnused(known === undefined ? free : [known.cidr, ...free]);
    if (known !== undefined && known.cidr === cidr) {
      return known;
    }
    const chosen = { name, cidr, createdUs: Date.now() * 1000 };
    await commits.commit(() => store.insertNetwork(chosen), 'durable');
    this.#networks.set(name, chosen);
    this.#pools.delete(name);
    return chosen;
  }

  #poolOf(network: NetworkRecord): AddressPool {
    let pool = this.#pools.get(network.name);
    if (pool === undefined) {
      pool = new AddressPool(
        network.cidr,
        this.#jobsOn(network.name).map(({ address }) => address),
      );
      this.#pools.set(network.name, pool);
    }
    return pool;
  }

  #jobsOn(name: string): AttachedJob[] {
    const all = [...this.#jobs.values(), ...this.#leaving.values()];
    return all.filter(({ network }) => network.name === name);
  }

  /** An interface's name has room for a part of a hash: two names that were looked for can have the same. */
  #refuseSameBridge(name: string): void {
    const bridge = this.#names.bridgeOf(name);
    const names = [...BUILT_IN_NETWORKS, ...this.#networks.keys()];
    const other = names.find((each) => this.#names.bridgeOf(each) === bridge);
    if (other !== undefined) {
      throw new JobletError('conflict', {
        layer: 'network',
        operation: 'create',
        object: name,
        reason: `its bridge would be called ${bridge}, as that of the network ${other} is`,
        mend: 'Choose another name.',
      });
    }
  }

  #refuseOverlap({ name, cidr }: NetworkRecord): void {
    const other = [...this.#networks.values()].find((each) => overlap(each.cidr, cidr));
    if (other !== undefined) {
      throw networkError(
        'create',
        name,
        `${formatCidr(cidr)} overlaps with ${formatCidr(other.cidr)} of the network ${other.name}`,
        'Choose another range.',
      );
    }
  }

  async #bind(port: PublishedPort): Promise<number> {
    const deadline = Date.now() + PORT_PATIENCE_MS;
    for (;;) {
      try {
        return bindPort(parseAddress(port.address) ?? 0, port.hostPort, port.protocol);
      } catch (error) {
        const reason = error instanceof JobletError ? error.details.reason : causeOf(error);
        if (reason !== 'EADDRINUSE' || Date.now() > deadline) {
          throw this.#portError(port, reason, error);
        }
        await delay(PORT_RETRY_MS);
      }
    }
  }

  #portError(port: PublishedPort, reason: string, cause: unknown): JobletError {
    const object = publishedName(port);
    const holder = [...this.#jobs.values()].find((job) => job.ports.some((each) => isSamePort(each, port)));
    if (reason === 'EADDRINUSE') {
      const by = holder === undefined ? 'a program of this machine' : `job ${holder.uuid}`;
      return networkError(
        'publish',
        object,
        `the port is in use by ${by}`,
        'Choose another port of the host.',
        cause,
      );
    }
    const why = reason === 'EADDRNOTAVAIL' ? 'this machine has no such address' : reason;
    return networkError(
      'publish',
      object,
      why,
      'Publish on 127.0.0.1, 0.0.0.0, or an address of this machine.',
      cause,
    );
  }

  #hostsOf({ network, address }: AttachedJob): string {
    const others = [...this.#jobs.values()].filter(
      (each) => each.network === network && each.address !== address && network.name !== 'isolated',
    );
    return others.map((each) => `${formatAddress(each.address)} ${each.hostname}\n`).join('');
  }

  #resolvers(): Resolvers {
    return resolversOf({
      configured: this.#options.config.resolvers,
      isOfHost,
      hasIpv6: host.forwardsIpv6(),
    });
  }

  /** None is no reason against a change of the filter: jobs end, too, while a machine has lost its resolvers. */
  #filteredResolvers(): string[] {
    try {
      return this.#resolvers().addresses.filter((address) => parseAddress(address) !== undefined);
    } catch (error) {
      if (!(error instanceof JobletError)) {
        throw error;
      }
      return [];
    }
  }

  #view(name: string, builtIn: boolean): NetworkView {
    const network = this.#networks.get(name);
    return {
      name,
      builtIn,
      cidr: network === undefined ? '' : formatCidr(network.cidr),
      bridge: hasAddresses(name) ? this.#names.bridgeOf(name) : '',
      prefix6: network === undefined ? '' : `${prefix6Of(name, network.createdUs)}::/64`,
      jobs: this.#jobsOn(name).length,
    };
  }
}

const ANY_ADDRESS = '0.0.0.0';
const ROOT_UID = 0;

function isBuiltIn(name: string): boolean {
  return BUILT_IN_NETWORKS.some((each) => each === name);
}

function isOfHost(address: string): boolean {
  return address.startsWith('127.') || host.addresses().has(address);
}

function attachedJob(
  uuid: string,
  spec: CheckedJobSpec,
  network: NetworkRecord,
  address: number,
): AttachedJob {
  const hostname = spec.hostname === '' ? uuid.slice(0, 8) : spec.hostname;
  return { uuid, network, address, hostname, ports: spec.ports.map(publishedPort) };
}

/** The schema has let it through. */
function publishedPort(text: string): PublishedPort {
  const port = parsePublishedPort(text);
  if (port === undefined) {
    throw invalid('publish', text, 'is no published port');
  }
  return port;
}

function publishedName({ address, hostPort, protocol }: PublishedPort): string {
  return `${address}:${hostPort}/${protocol}`;
}

/** The helper binds it as root, and must give nobody what the kernel would not. */
function refusePrivilegedPort(port: PublishedPort, ownerUid: number): void {
  const first = host.firstUnprivilegedPort();
  if (ownerUid !== ROOT_UID && port.hostPort < first) {
    throw networkError(
      'publish',
      publishedName(port),
      `only root may listen on ports below ${first} here`,
      `Choose another port of the host, or let everybody have it: sysctl -w ${host.UNPRIVILEGED_PORT_START}=${port.hostPort}`,
    );
  }
}

function isSamePort(one: PublishedPort, other: PublishedPort): boolean {
  return one.hostPort === other.hostPort && one.protocol === other.protocol;
}

function checkedCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  const object = JSON.stringify(text.slice(0, 80));
  if (cidr === undefined) {
    throw invalid(
      'create',
      object,
      'is no IPv4 range such as 10.88.0.0/24, whose bits after the length are 0',
    );
  }
  if (cidr.length < LARGEST || cidr.length > SMALLEST) {
    throw invalid('create', object, `the length must be ${LARGEST} to ${SMALLEST}`);
  }
  const privateRanges = PRIVATE_RANGES.flatMap((range) => parseCidr(range) ?? []);
  if (!privateRanges.some((range) => isInside(cidr, range))) {
    throw invalid('create', object, `must lie in one of the private ranges: ${PRIVATE_RANGES.join(', ')}`);
  }
  const forbidden = FORBIDDEN.find((each) => overlap(each, cidr));
  if (forbidden !== undefined) {
    throw invalid('create', object, `overlaps with ${formatCidr(forbidden)}, which no job may reach`);
  }
  return cidr;
}

function invalid(operation: string, object: string, reason: string): JobletError {
  return new JobletError('invalid', { layer: 'network', operation, object, reason, mend: '' });
}

function noSuchNetwork(name: string): JobletError {
  return new JobletError('not_found', {
    layer: 'network',
    operation: 'find',
    object: name,
    reason: 'there is no such network',
    mend: 'See which there are: joblet network list',
  });
}

function exhausted(operation: string, object: string, reason: string, mend: string): JobletError {
  return new JobletError('exhausted', { layer: 'network', operation, object, reason, mend });
}

function usedUp(name: string, { capacity }: AddressPool): JobletError {
  const reason = `all of its ${capacity} addresses are in use by jobs`;
  return exhausted(
    'take an address of',
    name,
    reason,
    'Wait for one of them to end, or make a larger network.',
  );
}
