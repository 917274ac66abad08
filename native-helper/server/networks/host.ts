/** What the host's own network is: addresses and routes that ours must keep off, and settings that ours need. */
import { readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { causeOf } from '../../api/errors.ts';
import * as z from '../../api/schema.ts';
import { type Cidr, parseCidr } from './cidr.ts';
import { networkError, runProgram } from './programs.ts';

/** Routes as wide as these stand for the whole outside, as a VPN's pair of 0.0.0.0/1 and 128.0.0.0/1 does. */
const WIDEST_ROUTE = 8;

/** In use on the host. */
export interface HostRange {
  readonly cidr: Cidr;
  readonly device: string;
}

const routesSchema = z.array(z.looseObject({ dst: z.string(), dev: z.optional(z.string()) }));

/** All tables: those of addresses and of a VPN's rules, too. */
export async function ranges(ip: string): Promise<HostRange[]> {
  const output = await runProgram(ip, { argv: ['-4', '-j', 'route', 'show', 'table', 'all'] });
  const routes = routesSchema.parse(parseJson(output === '' ? '[]' : output, ip));
  return routes.flatMap(({ dst, dev = '' }) => {
    const cidr = parseCidr(dst.includes('/') ? dst : `${dst}/32`);
    return cidr === undefined || cidr.length < WIDEST_ROUTE ? [] : [{ cidr, device: dev }];
  });
}

const linksSchema = z.array(z.looseObject({ ifname: z.optional(z.string()) }));

/** The names of all interfaces. */
export async function devices(ip: string): Promise<string[]> {
  const links = linksSchema.parse(parseJson(await runProgram(ip, { argv: ['-j', 'link', 'show'] }), ip));
  return links.flatMap(({ ifname }) => ifname ?? []);
}

function parseJson(text: string, program: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw networkError('read', program, 'its answer is no JSON', 'Install a newer one.', error);
  }
}

/** Settings of the kernel, by their names for sysctl(8). They are this network namespace's. */
export function readSetting(name: string): string {
  try {
    return readFileSync(pathOf(name), 'utf8').trim();
  } catch {
    return '';
  }
}

/** @throws JobletError (refused) naming the setting. */
export function writeSetting(name: string, value: string): void {
  try {
    writeFileSync(pathOf(name), value);
  } catch (error) {
    throw networkError('write', pathOf(name), causeOf(error), `sysctl -w ${name}=${value}`, error);
  }
}

function pathOf(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`;
}

/** Whether interfaces may have IPv6 addresses here. */
export function hasIpv6(): boolean {
  return readSetting('net.ipv6.conf.default.disable_ipv6') === '0';
}

/**
 * We never switch it on: a host that forwards IPv6 no longer listens to its router (accept_ra in the kernel's ip-sysctl.rst), and
 * would lose its own address.
 */
export function forwardsIpv6(): boolean {
  return hasIpv6() && readSetting('net.ipv6.conf.all.forwarding') === '1';
}

export function forwardsIpv4(): boolean {
  return readSetting('net.ipv4.ip_forward') === '1';
}

export const UNPRIVILEGED_PORT_START = 'net.ipv4.ip_unprivileged_port_start';

/** Those below are root's to listen on. */
export function firstUnprivilegedPort(): number {
  return Number(readSetting(UNPRIVILEGED_PORT_START) || 1024);
}

/** Of all interfaces of this network namespace, both families. */
export function addresses(): Set<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)),
  );
}
