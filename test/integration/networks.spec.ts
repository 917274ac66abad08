import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Job, type JobSpec, JobStatus } from '../../native-helper/api/gen/joblet_pb.js';
import { MAX_CONNECTIONS } from '../../native-helper/server/networks/ruleset.ts';
import {
  logOf,
  outputUntil,
  runToEnd,
  type Service,
  shell,
  temporaryService,
  untilEnded,
  untilOutput,
} from '../fixtures/job-service.ts';
import {
  HOST_ADDRESS,
  ip,
  METADATA_ADDRESS,
  NetworkWorld,
  OUTSIDE_ADDRESS,
} from '../fixtures/network-world.ts';

let world: NetworkWorld;
let service: Service;

beforeAll(async () => {
  world = await NetworkWorld.enter();
  await world.serve('outside', 8000, 'outside');
  await world.serve('host', 8001, 'host');
  service = await temporaryService();
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  expect(ourInterfaces(), 'interfaces that are left').toEqual([]);
  expect(tables(), 'tables that are left').toEqual([]);
  await world[Symbol.asyncDispose]();
});

function ourInterfaces(): string[] {
  const links = JSON.parse(execFileSync('ip', ['-j', 'link'], { encoding: 'utf8' }) || '[]') as {
    ifname: string;
  }[];
  return links.map(({ ifname }) => ifname).filter((name) => /^j[bv]/.test(name));
}

function tables(): string[] {
  return execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

/** A line of shell that says what is at an address. */
const ask = (address: string, port: number) =>
  `(exec 3<>/dev/tcp/${address}/${port} && cat <&3) 2>/dev/null || echo "no ${address}"`;

function bash(line: string, rest: object): JobSpec {
  return shell(`exec bash -c '${line}'`, rest);
}

/** To its end, all of its report right. */
async function outputOf(line: string, rest: object): Promise<string> {
  const { jobs } = service;
  const job = await runToEnd(jobs, bash(line, rest));
  const output = (await logOf(jobs, job.uuid)).toString();
  expect(job, `${output} ${JSON.stringify(job.failure)}`).toMatchObject({ status: JobStatus.COMPLETED });
  expect(job.report.filter(({ ok }) => !ok)).toEqual([]);
  return output;
}

/** One that says when it is ready, and stays. */
async function started(line: string, rest: object): Promise<Job> {
  const { jobs } = service;
  const { uuid } = await jobs.run(bash(`${line}; echo ready; exec sleep 60`, rest), 0);
  await untilOutput(jobs, uuid, 'ready');
  return jobs.get(uuid);
}

const HOST_ADDRESS_6 = 'fd99::1';
const OUTSIDE_ADDRESS_6 = 'fd99::2';
/** AWS, Google, Oracle, Scaleway. */
const METADATA_ADDRESSES_6 = ['fd00:ec2::254', 'fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:42::42'];

/** For as long as it is kept, the outside has IPv6, and the host forwards it. */
function ipv6Outside(): Disposable {
  const forwarding = '/proc/sys/net/ipv6/conf/all/forwarding';
  ip([`addr add ${HOST_ADDRESS_6}/64 dev up0 nodad`]);
  world.outside(() => ip([`addr add ${OUTSIDE_ADDRESS_6}/64 dev down0 nodad`]));
  writeFileSync(forwarding, '1');
  return {
    [Symbol.dispose]: () => {
      writeFileSync(forwarding, '0');
      ip([`addr del ${HOST_ADDRESS_6}/64 dev up0`]);
      world.outside(() => ip([`addr del ${OUTSIDE_ADDRESS_6}/64 dev down0`]));
    },
  };
}

/** A server on port 80, of what every job has: perl. */
const SERVE = String.raw`perl -MIO::Socket::IP -e "
  my \$server = IO::Socket::IP->new(LocalHost => q(::), LocalPort => 80, Listen => 9, V6Only => 0, ReuseAddr => 1) or die;
  \$| = 1; print qq(listening\n);
  while (my \$client = \$server->accept) { print \$client qq(job sees ), \$client->peerhost =~ s/::ffff://r, qq(\n); close \$client }" &
  until (exec 3<>/dev/tcp/127.0.0.1/80) 2>/dev/null; do sleep 0.02; done`;

describe('a job', () => {
  it('on none has loopback and nothing else', async () => {
    const line = `tail -n +3 /proc/net/dev | cut -d: -f1; cat /etc/resolv.conf; ${ask(OUTSIDE_ADDRESS, 8000)}; ${ask('127.0.0.1', 8001)}`;
    expect(await outputOf(line, { network: 'none' })).toBe(`    lo\nno ${OUTSIDE_ADDRESS}\nno 127.0.0.1\n`);
  });

  it.each(['isolated', 'bridge'])(
    'on %s reaches the outside, and neither the host nor metadata',
    async (network) => {
      const asked = [
        [OUTSIDE_ADDRESS, 8000],
        [HOST_ADDRESS, 8001],
        [METADATA_ADDRESS, 8000],
        ['127.0.0.1', 8001],
      ] as const;
      const line = asked.map(([address, port]) => ask(address, port)).join(';');
      expect(await outputOf(line, { network })).toBe(
        `outside sees ${HOST_ADDRESS}\nno ${HOST_ADDRESS}\nno ${METADATA_ADDRESS}\nno 127.0.0.1\n`,
      );
    },
  );

  it.each(['isolated', 'bridge'])(
    'on %s reaches no port of the host that leads elsewhere',
    async (network) => {
      execFileSync('nft', [
        'add table ip docker; add chain ip docker PREROUTING { type nat hook prerouting priority dstnat; }',
      ]);
      execFileSync('nft', [
        `add rule ip docker PREROUTING fib daddr type local tcp dport 8088 dnat to ${OUTSIDE_ADDRESS}:8000`,
      ]);
      const line = `${ask(HOST_ADDRESS, 8088)}; ${ask(OUTSIDE_ADDRESS, 8000)}`;
      expect(await outputOf(line, { network })).toBe(`no ${HOST_ADDRESS}\noutside sees ${HOST_ADDRESS}\n`);
      execFileSync('nft', ['delete table ip docker']);
    },
  );

  it.each([
    ['isolated', `dnat to ${OUTSIDE_ADDRESS}:8000`],
    ['bridge', `dnat to ${OUTSIDE_ADDRESS}:8000`],
    ['isolated', 'redirect to :8001'],
  ])('on %s is refused at once what another program leads elsewhere by %s', async (network, way) => {
    const led = '203.0.113.9';
    execFileSync('nft', [
      `add table ip proxy; add chain ip proxy PREROUTING { type nat hook prerouting priority dstnat; };
       add rule ip proxy PREROUTING ip daddr ${led} tcp dport 80 ${way}`,
    ]);
    try {
      const timed = `begin=$(date +%s); ${ask(led, 80)}; echo $(($(date +%s) - begin < 5))`;
      expect(await outputOf(timed, { network })).toBe(`no ${led}\n1\n`);
    } finally {
      execFileSync('nft', ['delete table ip proxy']);
    }
  });

  it.each(['tcp', 'udp'] as const)(
    'speaks %s to the outside from no port that only root has',
    async (protocol) => {
      using listener = world.listen(protocol, 8002);
      const send = String.raw`perl -MIO::Socket::IP -e "
      for my \$port (700, 5000) {
        my \$socket = IO::Socket::IP->new(Proto => q(${protocol}), LocalPort => \$port, PeerHost => q(${OUTSIDE_ADDRESS}), PeerPort => 8002)
          or die qq(\$port: \$@);
        print \$socket qq(hello\n);
        close \$socket;
      }"`;
      await outputOf(send, { network: 'isolated' });
      await expect.poll(() => listener.ports).toEqual([expect.toSatisfy((port) => port >= 1024), 5000]);
    },
  );

  it('reaches the outside by IPv6 where the host forwards it, and hears its answers', async () => {
    using _ = ipv6Outside();
    const line = [ask(OUTSIDE_ADDRESS_6, 8000), ask(HOST_ADDRESS_6, 8001)].join(';');
    expect(await outputOf(line, { network: 'isolated' })).toBe(
      `outside sees ${HOST_ADDRESS_6}\nno ${HOST_ADDRESS_6}\n`,
    );
  });

  it.each(['isolated', 'bridge'])('on %s reaches no metadata by IPv6', async (network) => {
    using _ = ipv6Outside();
    const line = METADATA_ADDRESSES_6.map((address) => ask(address, 8000)).join(';');
    world.outside(() => ip(METADATA_ADDRESSES_6.map((address) => `addr add ${address}/128 dev lo nodad`)));
    ip([`route add default via ${OUTSIDE_ADDRESS_6}`]);
    expect(await outputOf(`${line}; ${ask(OUTSIDE_ADDRESS_6, 8000)}`, { network })).toBe(
      `${METADATA_ADDRESSES_6.map((address) => `no ${address}\n`).join('')}outside sees ${HOST_ADDRESS_6}\n`,
    );
    ip([`route del default via ${OUTSIDE_ADDRESS_6}`]);
    world.outside(() => ip(METADATA_ADDRESSES_6.map((address) => `addr del ${address}/128 dev lo`)));
  });

  it('on bridge reaches others there by address and by name, by IPv4 and IPv6; on isolated it does not', async () => {
    const server = await started(SERVE, { network: 'bridge', hostname: 'server' });
    const other = await started(SERVE, { network: 'isolated', hostname: 'alone' });
    const [address = '', address6 = ''] = server.addresses;
    const [isolated = ''] = other.addresses;
    const line = [ask(address, 80), ask('server', 80), ask(address6, 80), ask(isolated, 80)].join(';');
    expect(await outputOf(line, { network: 'bridge' })).toMatch(
      /^(job sees 10\.217\.\S+\n){2}job sees fd\S+\nno 10\.217/,
    );
    expect(await outputOf([ask(address, 80), ask(isolated, 80)].join(';'), { network: 'isolated' })).toBe(
      `no ${address}\nno ${isolated}\n`,
    );
    await service.jobs.stop(server.uuid, 0n);
    await service.jobs.stop(other.uuid, 0n);
  });

  it('publishes a port on this machine alone, or for the outside too; nobody else gets it', async () => {
    const job = await started(SERVE, { network: 'isolated', ports: ['8080:80', `${HOST_ADDRESS}:8081:80`] });
    expect(await said(() => connect(8080, '127.0.0.1'))).toMatch(/^job sees 10\.217/);
    expect(await said(() => connect(8081, HOST_ADDRESS))).toBe(`job sees ${HOST_ADDRESS}\n`);
    expect(await world.askFromOutside(HOST_ADDRESS, 8081)).toBe(`job sees ${OUTSIDE_ADDRESS}\n`);
    expect(await world.askFromOutside(HOST_ADDRESS, 8080)).toBe('');
    const second = await runToEnd(service.jobs, bash('true', { network: 'bridge', ports: ['8080:80'] }));
    expect(second).toMatchObject({ status: JobStatus.FAILED, exitCode: 125 });
    expect(second.failure).toMatchObject({
      layer: 'network',
      cause: `the port is in use by job ${job.uuid}`,
    });
    await service.jobs.stop(job.uuid, 0n);
    expect(await outputOf('true', { network: 'bridge', ports: ['8080:80'] })).toBe('');
  });
});

it('a port that was published on an address leads nowhere once this machine has lost the address', async () => {
  const address = '203.0.113.7';
  ip([`addr add ${address}/32 dev lo`, `route add unreachable ${address}/32 metric 9`]);
  world.outside(() => ip([`route add ${address}/32 via ${HOST_ADDRESS}`]));
  const job = await started(SERVE, { network: 'isolated', ports: [`${address}:8081:80`] });
  expect(await world.askFromOutside(address, 8081)).toBe(`job sees ${OUTSIDE_ADDRESS}\n`);
  ip([`addr del ${address}/32 dev lo`]);
  expect(await world.askFromOutside(address, 8081)).toBe('');
  await service.jobs.stop(job.uuid, 0n);
  ip([`route del unreachable ${address}/32 metric 9`]);
  world.outside(() => ip([`route del ${address}/32`]));
});

describe('a job that opens connections without end', () => {
  const flood = (firstPort: number) => String.raw`perl -MSocket -MIO::Socket::IP -e "
    my \$socket = IO::Socket::IP->new(Proto => q(udp), LocalHost => q(0.0.0.0), LocalPort => 5000) or die;
    \$socket->send(q(x), 0, pack_sockaddr_in(\$_, inet_aton(q(${OUTSIDE_ADDRESS})))) for ${firstPort} .. ${firstPort + 2 * MAX_CONNECTIONS};"`;
  const connections = () => Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'));

  it.each(['isolated', 'bridge'])('on %s has as many as one may have, and others theirs', async (network) => {
    const { jobs } = service;
    const before = connections();
    const line = `${flood(10_000)}; echo once; sleep 2; ${flood(20_000)}; ${ask(OUTSIDE_ADDRESS, 8000)}`;
    const { uuid } = await jobs.run(bash(`${line}; echo twice; exec sleep 60`, { network }), 0);
    await untilOutput(jobs, uuid, 'once');
    expect(connections() - before).toBeGreaterThan(MAX_CONNECTIONS / 2);
    // It changes the filter twice.
    expect(await outputOf(ask(OUTSIDE_ADDRESS, 8000), { network })).toBe(`outside sees ${HOST_ADDRESS}\n`);
    expect(await outputUntil(jobs, uuid, 'twice')).toContain(`no ${OUTSIDE_ADDRESS}`);
    expect(connections() - before).toBeLessThan(MAX_CONNECTIONS + 50);
    await jobs.stop(uuid, 0n);
  });
});

describe('the next holder of an address', () => {
  const PORT = 5353;
  const ASKED_PORT = 8003;
  const ASKED_PORT_6 = 8005;
  const TINY = { network: 'tiny' };

  /** A program of the outside that goes on talking: to who has spoken to it first, or to a port of the host. */
  function talker(port: number, partner: 'who asks' | 'host'): Disposable {
    const script = `use Socket;
      my $peer = pack_sockaddr_in(${PORT}, inet_aton("${HOST_ADDRESS}"));
      my $socket = IO::Socket::IP->new(Proto => "udp", LocalHost => "${port === ASKED_PORT_6 ? '::' : '0.0.0.0'}", LocalPort => ${port}) or die;
      $peer = $socket->recv(my $said, 99) if "${partner}" ne "host";
      while (1) { $socket->send("again", 0, $peer); select undef, undef, undef, 0.05 }`;
    const child = world.outside(() =>
      spawn('perl', ['-MIO::Socket::IP', '-e', script], { stdio: 'inherit' }),
    );
    return { [Symbol.dispose]: () => child.kill() };
  }

  /** Whether a job hears something within a second. */
  const listener = (
    hello: string,
    any = '0.0.0.0',
  ) => String.raw`perl -MSocket=:DEFAULT,pack_sockaddr_in6,inet_pton,AF_INET6 -MIO::Socket::IP -e "
    my \$socket = IO::Socket::IP->new(Proto => q(udp), LocalHost => q(${any}), LocalPort => ${PORT}) or die;
    \$| = 1; print q(listens, ); ${hello} vec(my \$bits = q(), fileno(\$socket), 1) = 1;
    print select(\$bits, undef, undef, 1) ? q(heard) : q(nothing);"`;
  const LISTEN = listener('');
  const ASK = listener(
    String.raw`\$socket->send(q(hello), 0, pack_sockaddr_in(${ASKED_PORT}, inet_aton(q(${OUTSIDE_ADDRESS}))));`,
  );
  const LISTEN_6 = listener('', '::');
  const HELLO_6 = String.raw`\$socket->send(q(hello), 0, pack_sockaddr_in6(${ASKED_PORT_6}, inet_pton(AF_INET6, q(${OUTSIDE_ADDRESS_6}))));`;
  const ASK_6 = listener(HELLO_6, '::');
  const HEARD = 'listens, heard';
  const NOTHING = 'listens, nothing';

  beforeAll(() => service.jobs.networks.create('tiny', '10.97.0.0/30'));
  afterAll(() => service.jobs.networks.remove('tiny'));

  it('hears nothing of who speaks to a port that the one before had published', async () => {
    const { jobs } = service;
    const ports = [`${HOST_ADDRESS}:${PORT}:${PORT}/udp`];
    const { uuid } = await jobs.run(bash(LISTEN, { ...TINY, ports }), 0);
    await untilOutput(jobs, uuid, 'listens');
    using _ = talker(8004, 'host');
    expect((await logOf(jobs, uuid)).toString()).toBe(HEARD);
    expect(await outputOf(LISTEN, TINY)).toBe(NOTHING);
  });

  it('hears nothing of whom the one before has spoken to, unless it speaks to them itself', async () => {
    using _ = talker(ASKED_PORT, 'who asks');
    await expect.poll(() => outputOf(ASK, TINY), { timeout: 10_000 }).toBe(HEARD);
    expect(await outputOf(LISTEN, TINY)).toBe(NOTHING);
    expect(await outputOf(ASK, TINY)).toBe(HEARD);
    expect(await outputOf(LISTEN, TINY)).toBe(NOTHING);
  });

  /** The kernel asks again who has an address when it has not heard of it for some 5 s, and gives up 3 s later. */
  it('hears by IPv6 for longer than the host remembers where it is', { timeout: 60_000 }, async () => {
    using _forwarding = ipv6Outside();
    using _talker = talker(ASKED_PORT_6, 'who asks');
    const listen = String.raw`\$socket->recv(my \$said, 99); my \$end = time + 12; \$socket->recv(\$said, 99) while time < \$end;`;
    expect(await outputOf(`timeout 20 ${listener(`${HELLO_6} ${listen}`, '::')}`, TINY)).toBe(HEARD);
  });

  it('hears nothing by IPv6 either', async () => {
    using _forwarding = ipv6Outside();
    using _talker = talker(ASKED_PORT_6, 'who asks');
    await expect.poll(() => outputOf(ASK_6, TINY), { timeout: 10_000 }).toBe(HEARD);
    expect(await outputOf(LISTEN_6, TINY)).toBe(NOTHING);
    expect(await outputOf(ASK_6, TINY)).toBe(HEARD);
    expect(await outputOf(LISTEN_6, TINY)).toBe(NOTHING);
  });
});

describe('somebody who is not root', () => {
  const publish = (...ports: string[]) =>
    service.jobs.run(bash('true', { network: 'isolated', ports }), 1000);

  it('publishes no port that only root may listen on here', async () => {
    const reason = 'network: publish 127.0.0.1:80/tcp: only root may listen on ports below 1024 here.';
    await expect(publish('8090:80', '80:8080')).rejects.toThrow(reason);
    expect(await untilEnded(service.jobs, (await publish('1024:80')).uuid)).toMatchObject({
      status: JobStatus.COMPLETED,
    });
    expect(await outputOf('true', { network: 'isolated', ports: ['80:8080'] })).toBe('');
  });
});

async function said(dial: () => ReturnType<typeof connect>): Promise<string> {
  return text(dial());
}

describe('a network', () => {
  it('is made, listed and removed; its jobs reach each other and no other network', async () => {
    const { networks } = service.jobs;
    await networks.create('one', '10.99.1.0/24');
    await networks.create('two', '10.99.2.0/24');
    expect(networks.list().map(({ name }) => name)).toEqual([
      'host',
      'none',
      'isolated',
      'bridge',
      'one',
      'two',
    ]);
    expect(networks.list().every(({ bridge }) => bridge.length <= 15)).toBe(true);
    const server = await started(SERVE, { network: 'one' });
    expect(server.addresses[0]).toBe('10.99.1.2');
    const line = ask('10.99.1.2', 80);
    expect(await outputOf(line, { network: 'one' })).toBe('job sees 10.99.1.3\n');
    expect(await outputOf(line, { network: 'two' })).toBe('no 10.99.1.2\n');
    await expect(networks.remove('one')).rejects.toThrow(
      'network: remove one: is used by 1 job that has not ended. Stop or cancel them first: joblet job list',
    );
    await service.jobs.stop(server.uuid, 0n);
    await networks.remove('one');
    await networks.remove('two');
    await expect(service.jobs.run(bash('true', { network: 'one' }), 0)).rejects.toThrow(
      'there is no such network',
    );
  });

  it.each([
    ['', '10.99.3.0/24'],
    ['..', '10.99.3.0/24'],
    ['a/b', '10.99.3.0/24'],
    ['-x', '10.99.3.0/24'],
    ['ü', '10.99.3.0/24'],
    ['x'.repeat(10_000), '10.99.3.0/24'],
    ['none', '10.99.3.0/24'],
    ['a', '10.99.3.1/24'],
    ['a', '10.99.3.0/31'],
    ['a', '0.0.0.0/0'],
    ['a', '127.0.0.0/8'],
    ['a', '169.254.0.0/16'],
    ['a', '10.99.3.0'],
    ['a', '10.99.3.0/24; reboot'],
    ['a', 'fd00::/64'],
    ['a', '198.51.100.0/25'],
    ['a', '8.8.8.0/24'],
    ['a', '172.16.0.0/11'],
    ['a', '100.128.0.0/24'],
  ])('%j with %j is refused', async (name, cidr) => {
    await expect(service.jobs.networks.create(name, cidr)).rejects.toThrow(/^network: /);
  });

  it('has a bridge of its own: a name whose bridge would be called as that of another is refused', async () => {
    const { networks } = service.jobs;
    await networks.create('n143693', '10.99.3.0/24');
    await expect(networks.create('n492983', '10.99.4.0/24')).rejects.toThrow(
      /^network: create n492983: its bridge would be called jb\S+, as that of the network n143693 is\. Choose/,
    );
    await networks.remove('n143693');
    await networks.create('n492983', '10.99.4.0/24');
    await networks.remove('n492983');
  });

  it('overlaps with no other, and says with which', async () => {
    const { networks } = service.jobs;
    await networks.create('one', '10.99.0.0/16');
    await expect(networks.create('two', '10.99.7.0/24')).rejects.toThrow(
      'network: create two: 10.99.7.0/24 overlaps with 10.99.0.0/16 of the network one. Choose another range.',
    );
    await networks.remove('one');
  });

  it('that the host has come to use is used no more', async () => {
    const { jobs } = service;
    await jobs.networks.create('vpn', '10.98.0.0/24');
    ip(['route add 10.98.0.0/16 via 198.51.100.2']);
    const job = await runToEnd(jobs, bash('true', { network: 'vpn' }));
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 125 });
    expect(job.failure).toMatchObject({
      layer: 'network',
      cause: 'overlaps with 10.98.0.0/16, which this machine reaches by up0',
    });
    ip(['route del 10.98.0.0/16']);
    await jobs.networks.remove('vpn');
  });

  it('whose addresses are used up refuses a job, and gives one again when another has ended', async () => {
    const { jobs } = service;
    await jobs.networks.create('tiny', '10.97.0.0/30');
    const first = await started('true', { network: 'tiny' });
    await expect(jobs.run(bash('true', { network: 'tiny' }), 0)).rejects.toThrow(
      'network: take an address of tiny: all of its 1 addresses are in use by jobs.',
    );
    await jobs.stop(first.uuid, 0n);
    expect(await outputOf('true', { network: 'tiny' })).toBe('');
    await jobs.networks.remove('tiny');
  });
});

describe('a program that makes networks', () => {
  /** It does what the real one does, until its input holds a word. */
  function failing(root: string, program: string, word: string): string {
    const path = join(root, `${program}-failing`);
    writeFileSync(
      path,
      `#!/bin/sh\nif grep -q '${word}' /dev/stdin; then echo broken >&2; exit 1; fi\nexec ${program} "$@"\n`,
    );
    chmodSync(path, 0o755);
    return path;
  }

  it.each([
    ['ip', 'type bridge'],
    ['ip', 'type veth'],
    ['ip', 'bridge_slave'],
    ['nft', 'masquerade'],
  ] as const)('%s that fails at %j fails the job, and nothing is left', async (program, word) => {
    await using other = await temporaryService();
    const path = failing(other.root, program, word);
    await using broken = await temporaryService({ networks: { [program]: path } });
    const before = ourInterfaces();
    const job = await runToEnd(broken.jobs, bash('true', { network: 'bridge' }));
    expect(job).toMatchObject({ status: JobStatus.FAILED, exitCode: 125 });
    expect(job.failure).toMatchObject({ layer: 'network', operation: 'run', cause: 'broken' });
    expect(ourInterfaces()).toEqual(before);
    expect(broken.jobs.networks.list().every(({ jobs }) => jobs === 0)).toBe(true);
  });

  it.each(['ip', 'nft'])(
    '%s that is missing, or that others could change, refuses the job at once',
    async (program) => {
      await using missing = await temporaryService({ networks: { [program]: '/nowhere/x' } });
      expect(await missing.jobs.networks.doctor()).toContainEqual(
        expect.objectContaining({ available: false, found: `${program}: is at none of /nowhere/x` }),
      );
      await expect(missing.jobs.run(bash('true', { network: 'bridge' }), 0)).rejects.toThrow(
        `network: find ${program}: is at none of /nowhere/x. Install it`,
      );
      const path = join(missing.root, program);
      writeFileSync(path, '#!/bin/sh\n');
      chmodSync(path, 0o777);
      await using unsafe = await temporaryService({ networks: { [program]: path } });
      await expect(unsafe.jobs.run(bash('true', { network: 'bridge' }), 0)).rejects.toThrow(
        `network: check ${path}: can be changed by others than root.`,
      );
    },
  );
});

describe('the host', () => {
  it('that lets nothing be forwarded is named with its firewall', async () => {
    const { jobs } = service;
    execFileSync('nft', [
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }',
    ]);
    execFileSync('nft', ['add chain ip filter DOCKER-USER']);
    const job = await runToEnd(jobs, bash('true', { network: 'bridge' }));
    const examined = await jobs.networks.doctor();
    execFileSync('nft', ['delete table ip filter']);
    expect(examined).toContainEqual(
      expect.objectContaining({
        available: false,
        found: 'Docker forbids forwarding: ip filter FORWARD',
        mend: expect.stringContaining('iptables -I DOCKER-USER -i jb'),
      }),
    );
    expect((await jobs.networks.doctor()).every(({ available }) => available)).toBe(true);
    expect(job.failure).toMatchObject({
      layer: 'network',
      operation: 'forward',
      object: 'ip filter FORWARD',
    });
    expect(job.failure?.cause).toContain('Docker');
    expect(job.failure?.mend).toContain('iptables -I DOCKER-USER -i jb');
  });
});

describe('a firewall that accepts by policy', () => {
  const examined = async (...rules: string[]) => {
    const chain = 'ip filter FORWARD';
    const lines = [
      'add table ip filter',
      `add chain ${chain} { type filter hook forward priority 0; policy accept; }`,
      ...rules.map((rule) => `add rule ${chain} ${rule}`),
    ];
    execFileSync('nft', [lines.join('; ')]);
    const checks = await service.jobs.networks.doctor();
    const job = await runToEnd(service.jobs, bash('true', { network: 'bridge' }));
    execFileSync('nft', ['delete table ip filter']);
    return [checks.find(({ name }) => name.includes('forwarding'))?.found, job.failure?.object];
  };
  const forbidden = ['another firewall forbids forwarding: ip filter FORWARD', 'ip filter FORWARD'];
  const allowed = [expect.stringContaining('no firewall forbids forwarding'), undefined];

  it.each([
    ['counter reject with icmp type host-prohibited', forbidden],
    ['log prefix "no " drop', forbidden],
    ['iifname "eth7" counter reject', allowed],
    ['counter accept', allowed],
  ])('and whose last rule is %j is noticed if that refuses all', async (last, found) => {
    expect(await examined('ct state established,related accept', last)).toEqual(found);
  });

  it('is none where a rule before the last names our bridges', async () => {
    const [bridge = ''] = service.jobs.networks.list().flatMap((network) => network.bridge || []);
    expect(await examined(`iifname "${bridge.slice(0, 6)}*" accept`, 'counter reject')).toEqual(allowed);
  });
});

it('ends with nothing left when its job is stopped while it starts', async () => {
  const { jobs } = service;
  const { uuid } = await jobs.run(bash('true', { network: 'bridge' }), 0);
  await jobs.stop(uuid, 0n);
  await untilEnded(jobs, uuid);
});
