/** Configurations and their certificates: made, checked at load, renewed, rotated. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { clientConfigOf, type Paths, pathsUnder } from '../../native-helper/api/paths.ts';
import { createAuthority, issueClient, issueServer } from '../../native-helper/server/config/authority.ts';
import { prepareFolders } from '../../native-helper/server/config/folders.ts';
import { Installation } from '../../native-helper/server/config/installation.ts';
import { writeSecretFile } from '../../native-helper/server/config/secret-file.ts';
import { connect } from '../../src-main/client/index.ts';
import { temporaryRoot } from '../fixtures/root.ts';

const STRANGER = 65_533;

let paths: Paths;
beforeEach(() => {
  paths = pathsUnder(temporaryRoot());
  prepareFolders(paths);
});
afterEach(() => rmSync(paths.root, { recursive: true }));

/** Changes one value of a configuration in its place. */
const change = (file: string, path: readonly string[], value: unknown): void => {
  const document = parseDocument(readFileSync(file, 'utf8'));
  document.setIn(path, value);
  writeFileSync(file, document.toString());
};
const clientFile = () => clientConfigOf(paths, 0);
const nodeName = async () => (await Installation.open(paths)).config.node_id;

describe("the server's configuration", () => {
  it.each([
    ['of mode 644', () => chmodSync(paths.serverConfig, 0o644), 'others can read its keys'],
    ['of another owner', () => chownSync(paths.serverConfig, STRANGER, 0), 'belongs to uid 65533'],
    ['that is not YAML', () => writeFileSync(paths.serverConfig, 'a: [\n'), 'line 2'],
    [
      'with an unknown field',
      () => change(paths.serverConfig, ['jobs', 'frob'], 1),
      /line \d+: jobs\.frob: is not a field/,
    ],
    [
      'with a limit of -1',
      () => change(paths.serverConfig, ['jobs', 'limits', 'pids'], -1),
      'jobs.limits.pids',
    ],
    ['of another version', () => change(paths.serverConfig, ['version'], 2), 'version'],
  ])('%s is refused', async (_what, damage, words) => {
    await Installation.open(paths);
    damage();
    await expect(Installation.open(paths)).rejects.toThrow(words);
  });

  it("with another certificate's key is refused, and no key is in the words", async () => {
    await Installation.open(paths);
    const { key } = await createAuthority('else');
    change(paths.serverConfig, ['security', 'key'], key);
    const error = await Installation.open(paths).catch((fault: unknown) => String(fault));
    expect(error).toContain('the key is the key of another certificate');
    expect(error).not.toContain('BEGIN');
  });

  it("with another authority's key is refused", async () => {
    await Installation.open(paths);
    const { key } = await createAuthority('else');
    change(paths.serverConfig, ['security', 'ca_key'], key);
    await expect(Installation.open(paths)).rejects.toThrow("the authority's key");
  });

  it('with a certificate of another authority is refused', async () => {
    await Installation.open(paths);
    const pair = await issueServer(await createAuthority('else'));
    change(paths.serverConfig, ['security', 'certificate'], pair.certificate);
    change(paths.serverConfig, ['security', 'key'], pair.key);
    await expect(Installation.open(paths)).rejects.toThrow('was not issued by the authority');
  });

  it("with a client's certificate is refused", async () => {
    const { config } = await Installation.open(paths);
    const { ca_certificate, ca_key } = config.security;
    const pair = await issueClient({ certificate: ca_certificate, key: ca_key }, 0);
    change(paths.serverConfig, ['security', 'certificate'], pair.certificate);
    change(paths.serverConfig, ['security', 'key'], pair.key);
    await expect(Installation.open(paths)).rejects.toThrow("is a client's certificate");
  });

  it.each([
    ['expired', { notBefore: -20, notAfter: -10 }, 'the certificate expired on'],
    ['is not yet valid', { notBefore: 10, notAfter: 20 }, 'is not valid before'],
  ])('whose certificate %s is refused', async (_what, days, words) => {
    const { config } = await Installation.open(paths);
    const { ca_certificate, ca_key } = config.security;
    const pair = await issueServer({ certificate: ca_certificate, key: ca_key }, validFor(days));
    change(paths.serverConfig, ['security', 'certificate'], pair.certificate);
    change(paths.serverConfig, ['security', 'key'], pair.key);
    await expect(Installation.open(paths)).rejects.toThrow(words);
  });

  it('whose certificate expires within a month gets a new one, and keeps its comments', async () => {
    const { config } = await Installation.open(paths);
    const { ca_certificate, ca_key } = config.security;
    const pair = await issueServer(
      { certificate: ca_certificate, key: ca_key },
      validFor({ notBefore: -300, notAfter: 20 }),
    );
    change(paths.serverConfig, ['security', 'certificate'], pair.certificate);
    change(paths.serverConfig, ['security', 'key'], pair.key);
    writeFileSync(paths.serverConfig, `# mine\n${readFileSync(paths.serverConfig, 'utf8')}`);
    const renewed = await Installation.open(paths);
    expect(renewed.config.security.certificate).not.toBe(pair.certificate);
    expect(renewed.config.security.ca_certificate).toBe(ca_certificate);
    expect(readFileSync(paths.serverConfig, 'utf8')).toContain('# mine');
  });
});

describe("a client's configuration", () => {
  it.each([
    ['expired', { notBefore: -20, notAfter: -10 }, 'the certificate expired on'],
    ['is not yet valid', { notBefore: 10, notAfter: 20 }, 'is not valid before'],
  ])('whose certificate %s is told before anything is sent', async (_what, days, words) => {
    const { config } = await Installation.open(paths);
    const { ca_certificate, ca_key } = config.security;
    const pair = await issueClient({ certificate: ca_certificate, key: ca_key }, 0, validFor(days));
    change(clientFile(), ['nodes', config.node_id, 'cert'], pair.certificate);
    change(clientFile(), ['nodes', config.node_id, 'key'], pair.key);
    await expect(connect({ root: paths.root })).rejects.toThrow(words);
  });

  it("with the server's certificate is told before anything is sent", async () => {
    const { config } = await Installation.open(paths);
    change(clientFile(), ['nodes', config.node_id, 'cert'], config.security.certificate);
    change(clientFile(), ['nodes', config.node_id, 'key'], config.security.key);
    await expect(connect({ root: paths.root })).rejects.toThrow("is a server's certificate");
  });

  it('for another uid is told before anything is sent', async () => {
    const { config } = await Installation.open(paths);
    const { ca_certificate, ca_key } = config.security;
    const pair = await issueClient({ certificate: ca_certificate, key: ca_key }, STRANGER);
    change(clientFile(), ['nodes', config.node_id, 'cert'], pair.certificate);
    change(clientFile(), ['nodes', config.node_id, 'key'], pair.key);
    await expect(connect({ root: paths.root })).rejects.toThrow('is for uid 65533, you are uid 0');
  });

  it.each([
    ['of mode 640', () => chmodSync(clientFile(), 0o640), 'others can read its keys'],
    ['of another owner', () => chownSync(clientFile(), STRANGER, 0), 'belongs to uid 65533'],
    [
      'with an address that is no socket',
      async () => change(clientFile(), ['nodes', await nodeName(), 'address'], 'host:50051'),
      'unix:///',
    ],
    [
      'with a line too many',
      () => writeFileSync(clientFile(), `${readFileSync(clientFile(), 'utf8')}frob: 1\n`),
      'frob: is not a field',
    ],
    ['of more than 1 MiB', () => writeFileSync(clientFile(), '#'.repeat(1_048_577)), 'larger than'],
  ])('%s is refused', async (_what, damage, words) => {
    await Installation.open(paths);
    await damage();
    await expect(connect({ root: paths.root })).rejects.toThrow(words);
  });

  it('that is damaged is made anew when the helper starts', async () => {
    await Installation.open(paths);
    writeFileSync(clientFile(), 'nonsense');
    await Installation.open(paths);
    (await connect({ root: paths.root })).close();
  });

  it('that lacks the node that was asked for says which there are', async () => {
    const { config } = await Installation.open(paths);
    await expect(connect({ root: paths.root, node: 'other' })).rejects.toThrow(
      `Name one of: ${config.node_id}`,
    );
  });

  it('that is not there is told with all the places', async () => {
    await expect(connect({ root: paths.root })).rejects.toThrow(clientFile());
  });
});

describe('a rotation', () => {
  it("of a client's certificate replaces that file alone", async () => {
    const installation = await Installation.open(paths, STRANGER);
    const [server, root, other] = [paths.serverConfig, clientFile(), clientConfigOf(paths, STRANGER)].map(
      (path) => readFileSync(path, 'utf8'),
    );
    const { paths: written, clientNotAfter } = await installation.rotateClient(STRANGER);
    expect(written).toEqual([clientConfigOf(paths, STRANGER)]);
    expect(clientNotAfter.getTime()).toBeGreaterThan(Date.now() + 360 * 86_400_000);
    expect(readFileSync(paths.serverConfig, 'utf8')).toBe(server);
    expect(readFileSync(clientFile(), 'utf8')).toBe(root);
    expect(readFileSync(clientConfigOf(paths, STRANGER), 'utf8')).not.toBe(other);
    expect(statSync(clientConfigOf(paths, STRANGER)).uid).toBe(STRANGER);
  });

  it('of the authority replaces all, twice at once too, and leaves no temporary file', async () => {
    const installation = await Installation.open(paths, STRANGER);
    await Promise.all([installation.rotateAuthority(0), installation.rotateAuthority(STRANGER)]);
    const again = await Installation.open(paths, STRANGER);
    expect(again.config.security).toEqual(installation.config.security);
    (await connect({ root: paths.root })).close();
    expect(readdirSync(paths.configDirectory).sort()).toEqual(['clients', 'joblet-config.yml']);
    expect(readdirSync(paths.clientConfigDirectory).sort()).toEqual(['0.yml', '65533.yml']);
  });
});

describe('a full disk', () => {
  const disk = () => join(paths.root, 'disk');
  beforeEach(() => {
    mkdirSync(disk());
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'none', disk()]);
  });
  afterEach(() => execFileSync('umount', [disk()]));

  it('leaves the old configuration as it is, and nothing half-made', () => {
    const file = join(disk(), 'config.yml');
    writeSecretFile(file, 'old', STRANGER);
    expect(() => writeSecretFile(file, 'x'.repeat(65_536), STRANGER)).toThrow('ENOSPC');
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(disk())).toEqual(['config.yml']);
  });
});

function validFor({ notBefore, notAfter }: { notBefore: number; notAfter: number }) {
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
  return { notBefore: inDays(notBefore), notAfter: inDays(notAfter) };
}
