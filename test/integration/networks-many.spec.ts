/** Many jobs at once on several networks: each tries to reach everything that there is, and reaches what it may. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Job, type JobSpec, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { outputUntil, type Service, specOf, temporaryService, untilOutput } from '../fixtures/job-service.ts';
import { HOST_ADDRESS, METADATA_ADDRESS, NetworkWorld, OUTSIDE_ADDRESS } from '../fixtures/network-world.ts';

const CUSTOM = { red: '10.99.1.0/24', green: '172.30.9.0/28', blue: '192.168.77.0/24' };
const NETWORKS = ['isolated', 'bridge', ...Object.keys(CUSTOM)];
const JOBS_PER_NETWORK = 10;
const ABSTRACT_NAME = 'joblet-networks-many';
const FIRST_PORT = 9000;

/**
 * Says its name on port 80, and when the list of targets is there, whom of them it reaches: those that answer at all, with what they say.
 * The first argument is its name, the second the file of targets.
 */
const PEER = String.raw`
  use IO::Socket::IP; use IO::Socket::UNIX; $| = 1; $SIG{PIPE} = 'IGNORE';
  my ($name, $targets) = @ARGV;
  if ($name ne 'control') {
    my $server = IO::Socket::IP->new(LocalHost => '::', LocalPort => 80, Listen => 128, V6Only => 0, ReuseAddr => 1) or die "listen: $@";
    if (!fork) { while (1) { my $client = $server->accept or next; print $client "$name\n"; close $client } }
    close $server;
  }
  print "listening\n";
  select undef, undef, undef, 0.05 until -e $targets;
  open my $list, '<', $targets or die "$targets: $!";
  while (<$list>) {
    my ($label, $kind, $address, $port) = split;
    my $socket = $kind eq 'tcp' ? IO::Socket::IP->new(PeerHost => $address, PeerPort => $port, Timeout => 3)
      : IO::Socket::UNIX->new(Peer => $kind eq 'abstract' ? "\0$address" : $address);
    next unless $socket;
    my $said = <$socket> // ''; chomp $said;
    print "reached $label $said\n";
  }
  print "done\n"; sleep 60;
`;

interface Target {
  readonly label: string;
  readonly kind: 'tcp' | 'abstract' | 'path';
  readonly address: string;
  readonly port: number;
}

interface Peer {
  readonly name: string;
  readonly network: string;
  readonly job: Job;
}

let world: NetworkWorld;
let service: Service;
let folder: string;
const unixServers: Server[] = [];

beforeAll(async () => {
  world = await NetworkWorld.enter();
  await world.serve('outside', 8000, 'outside');
  await world.serve('host', 8001, 'host');
  service = await temporaryService();
  folder = mkdtempSync(join(service.root, 'targets-'));
  mkdirSync(dirname(service.paths.socket), { recursive: true });
  await serveUnix(`\0${ABSTRACT_NAME}`);
  await serveUnix(service.paths.socket);
});
afterAll(async () => {
  for (const server of unixServers) {
    server.close();
  }
  await service[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

async function serveUnix(path: string): Promise<void> {
  const server = createServer((socket) => socket.end('unix\n')).listen(path);
  await once(server, 'listening');
  unixServers.push(server);
}

function peerSpec(name: string, rest: object): JobSpec {
  const mounts = [{ source: folder, target: '/targets', readOnly: true }];
  return specOf('perl', ['-e', PEER, name, '/targets/list'], { mounts, ...rest });
}

async function startPeer(name: string, network: string, ports: string[]): Promise<Peer> {
  const { jobs } = service;
  const { uuid } = await jobs.run(peerSpec(name, { network, ports }), 0);
  await untilOutput(jobs, uuid, 'listening');
  return { name, network, job: jobs.get(uuid) };
}

/** The places that no job but one on the host's network may reach, or none at all. */
function hostTargets(): Target[] {
  const gateways = service.jobs.networks
    .list()
    .filter(({ cidr }) => cidr !== '')
    .flatMap(({ name, cidr, prefix6 }) => [
      tcp(`gateway-${name}`, cidr.replace(/\d+\/\d+$/, '1'), 8001),
      tcp(`gateway6-${name}`, prefix6.replace('/64', '1'), 8001),
    ]);
  return [
    tcp('outside', OUTSIDE_ADDRESS, 8000),
    tcp('host', HOST_ADDRESS, 8001),
    tcp('loopback', '127.0.0.1', 8001),
    tcp('loopback6', '::1', 8001),
    tcp('metadata', METADATA_ADDRESS, 8000),
    tcp('published', HOST_ADDRESS, FIRST_PORT),
    ...gateways,
    { label: 'abstract', kind: 'abstract', address: ABSTRACT_NAME, port: 0 },
    { label: 'helper', kind: 'path', address: service.paths.socket, port: 0 },
  ];
}

function tcp(label: string, address: string, port: number): Target {
  return { label, kind: 'tcp', address, port };
}

function peerTargets(peers: readonly Peer[]): Target[] {
  return peers.flatMap(({ name, job }) =>
    job.addresses.map((address, index) => tcp(`${name}/${index}`, address, 80)),
  );
}

/** All at once: a list that is there is whole. */
function publishTargets(targets: readonly Target[]): void {
  const lines = targets.map(({ label, kind, address, port }) => `${label} ${kind} ${address} ${port}\n`);
  const draft = join(service.root, 'list');
  writeFileSync(draft, lines.join(''), { mode: 0o644 });
  renameSync(draft, join(folder, 'list'));
}

/** Once it has tried all; it stays, for others to reach it. */
async function reachedBy(uuid: string): Promise<string[]> {
  const lines = (await outputUntil(service.jobs, uuid, 'done\n')).split('\n');
  return lines.filter((line) => line.startsWith('reached ')).map((line) => line.slice('reached '.length));
}

/** In the words of `reachedBy`: the outside, itself, and its own network's jobs unless that is the isolated one. */
function mayReach(peer: Peer, peers: readonly Peer[]): string[] {
  const fellows = peers.filter(
    (other) => other === peer || (other.network === peer.network && peer.network !== 'isolated'),
  );
  return [
    `outside outside sees ${HOST_ADDRESS}`,
    ...fellows.flatMap(({ name, job }) => job.addresses.map((_, index) => `${name}/${index} ${name}`)),
  ];
}

it('50 jobs on 5 networks reach what they may and nothing else', { timeout: 120_000 }, async () => {
  const { jobs } = service;
  for (const [name, cidr] of Object.entries(CUSTOM)) {
    await jobs.networks.create(name, cidr);
  }
  const peers = await Promise.all(
    Array.from({ length: JOBS_PER_NETWORK * NETWORKS.length }, (_, index) => {
      const network = NETWORKS[index % NETWORKS.length] ?? '';
      return startPeer(`${network}-${index}`, network, [`${HOST_ADDRESS}:${FIRST_PORT + index}:80`]);
    }),
  );
  const control = await jobs.run(peerSpec('control', { network: 'host' }), 0);
  await untilOutput(jobs, control.uuid, 'listening');

  const addresses = peers.flatMap(({ job }) => job.addresses);
  expect(addresses).toHaveLength(2 * peers.length);
  expect(new Set(addresses).size, 'no address twice').toBe(addresses.length);

  // From here and from outside, every job answers at its published port, by its own name.
  for (const [index, { name }] of peers.entries()) {
    expect(await text(connect(FIRST_PORT + index, HOST_ADDRESS)), `port of ${name}`).toBe(`${name}\n`);
  }
  for (const [index, { name }] of peers.slice(0, NETWORKS.length).entries()) {
    expect(await world.askFromOutside(HOST_ADDRESS, FIRST_PORT + index)).toBe(`${name}\n`);
  }
  expect(await text(connect(`\0${ABSTRACT_NAME}`))).toBe('unix\n');
  expect(await text(connect(service.paths.socket))).toBe('unix\n');

  publishTargets([...hostTargets(), ...peerTargets(peers)]);
  const reached = await Promise.all(peers.map(({ job }) => reachedBy(job.uuid)));
  for (const [index, peer] of peers.entries()) {
    expect(reached[index]?.sort(), peer.name).toEqual(mayReach(peer, peers).sort());
  }

  // What they did not reach was there: a job on the host's own network reaches it.
  const byControl = (await reachedBy(control.uuid)).map((line) => line.split(' ')[0]);
  expect(byControl).toEqual(
    expect.arrayContaining(['outside', 'host', 'loopback', 'metadata', 'published', 'gateway-red']),
  );
  const ended = await Promise.all(peers.map(({ job }) => jobs.stop(job.uuid, 0n)));
  expect(ended.every(({ status }) => status === JobStatus.STOPPED)).toBe(true);
  expect(ended.flatMap(({ report }) => report.filter(({ ok }) => !ok))).toEqual([]);
  rmSync(folder, { recursive: true });
});
