/** The commands about the client configuration, and how one is found. */
import { chmod, chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { CommandLine, run } from './cli-harness.ts';

const joblet = CommandLine.forFile();
let original: string;
beforeAll(() => {
  original = join(joblet.root, 'etc/joblet/clients/0.yml');
});

/** The helper's client configuration with something changed, under a name of its own. */
// biome-ignore lint/suspicious/noExplicitAny: YAML of any shape, also of a wrong one
async function variant(name: string, change: (config: any) => void): Promise<string> {
  const config = parse(await readFile(original, 'utf8'));
  change(config);
  const path = join(joblet.root, `${name}.yml`);
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}

describe('config show', () => {
  it('shows everything but the key', async () => {
    const { stdout, exitCode } = await joblet.run('config', 'show');
    expect(stdout).toMatch(
      new RegExp(`^Configuration: ${original}\n\nNode: .+\n  Address: unix://${joblet.root}/`),
    );
    expect(stdout).toMatch(/Valid Until: \d{4}-\d\d-\d\dT/);
    expect(stdout).toContain('Key: *** (not shown)');
    expect(stdout).not.toMatch(/PRIVATE|BEGIN/);
    expect(exitCode).toBe(0);
    const { path, nodes } = await joblet.json('config', 'show');
    expect(path).toBe(original);
    expect(Object.keys(nodes[0])).toEqual([
      'name',
      'address',
      'node_id',
      'is_default',
      'certificate',
      'authority',
    ]);
  });
});

describe('config check', () => {
  it('finds nothing wrong with what the helper made', async () => {
    const { stdout, stderr, exitCode } = await joblet.run('config', 'check');
    const server = join(joblet.root, 'etc/joblet/joblet-config.yml');
    expect(stdout).toMatch(new RegExp(`^${original}: node \\S+: valid\n${server}: helper: valid\n$`));
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
  });

  it('names a key that does not fit', async () => {
    const server = parse(await readFile(join(joblet.root, 'etc/joblet/joblet-config.yml'), 'utf8'));
    const path = await variant('wrong-key', ({ nodes }) => {
      for (const node of Object.values(nodes) as { key: string }[]) {
        node.key = server.security.key;
      }
    });
    const { stdout, stderr, exitCode } = await joblet.run('config', 'check', '--config', path);
    expect(stdout).toContain('the key is the key of another certificate');
    expect(stderr).toContain(path);
    expect(exitCode).toBe(1);
    expect((await joblet.run('--config', path, 'job', 'list')).stderr).toContain(
      'key of another certificate',
    );
  });

  it("names what is wrong with the helper's own file", async () => {
    const path = join(joblet.root, 'etc/joblet/joblet-config.yml');
    const right = await readFile(path, 'utf8');
    const config = parse(right);
    config.security.certificate = config.security.ca_certificate;
    await writeFile(path, stringify(config));
    const { stdout, stderr, exitCode } = await joblet.run('config', 'check');
    await writeFile(path, right);
    expect(stdout).toContain(`${path}: helper: the key is the key of another certificate`);
    expect(stderr).toContain(path);
    expect(exitCode).toBe(1);
  });

  it('refuses a file that others can read, or that is of another user', async () => {
    const open = await variant('open', () => {});
    await chmod(open, 0o644);
    const readable = await joblet.run('config', 'check', '--config', open);
    expect(readable.stderr).toContain('has mode 0644, so others can read its keys');
    expect(readable.exitCode).toBe(1);
    const foreign = await variant('foreign', () => {});
    await chown(foreign, 65_534, 65_534);
    const others = await joblet.run('config', 'check', '--config', foreign);
    expect(others.stderr).toContain('belongs to uid 65534, not 0');
  });

  it('names line and field of what is malformed, never a value', async () => {
    const path = await variant('odd', (config) => {
      config.nodes.extra = { address: 'tcp://secret-value', surprise: 1 };
    });
    const { stderr, exitCode } = await joblet.run('config', 'check', '--config', path);
    expect(stderr).toMatch(/line \d+: nodes\.extra/);
    expect(stderr).not.toContain('secret-value');
    expect(exitCode).toBe(2);
  });
});

describe('nodes', () => {
  it('lists them, and --node chooses', async () => {
    const path = await variant('two', ({ nodes }) => {
      const [name] = Object.keys(nodes) as [string];
      nodes[name].isDefault = false;
      nodes.away = { ...nodes[name], address: 'unix:///nonexistent/socket', isDefault: true };
    });
    const { stdout } = await joblet.run('--config', path, 'nodes');
    expect(stdout).toMatch(/^NAME +NODE ID +DEFAULT +ADDRESS\n-+/);
    expect(stdout).toMatch(/^away +\S+ +yes +unix:\/\/\/nonexistent\/socket$/m);
    const nodes = await joblet.json('nodes', '--config', path);
    expect(nodes).toHaveLength(2);
    const here = nodes.find(({ name }: { name: string }) => name !== 'away').name;
    expect((await joblet.run('job', 'list', '--config', path)).exitCode).toBe(1);
    expect((await joblet.run('job', 'list', '--config', path, '--node', here)).exitCode).toBe(0);
    const unknown = await joblet.run('job', 'list', '--config', path, '--node', 'nobody');
    expect(unknown.stderr).toContain('nobody');
    expect(unknown.exitCode).toBe(1);
  });
});

describe('where a configuration is looked for', () => {
  it.each(['rnx-config.yml', 'config/rnx-config.yml'])('./%s of the current folder', async (place) => {
    const directory = join(joblet.root, `cwd-${place.length}`);
    await mkdir(join(directory, 'config'), { recursive: true });
    await copyFile(original, join(directory, place));
    const { stdout } = await run(['config', 'show'], { directory });
    expect(stdout).toContain(`Configuration: ${join(directory, place)}\n`);
  });

  it.each(['.joblet/config.yml', '.rnx/rnx-config.yml'])('~/%s', async (place) => {
    const home = join(joblet.root, `home-${place.length}`);
    await mkdir(join(home, place, '..'), { recursive: true });
    await copyFile(original, join(home, place));
    const { stdout } = await run(['config', 'show'], { environment: { HOME: home }, directory: '/' });
    expect(stdout).toContain(`Configuration: ${join(home, place)}\n`);
  });

  it('$RNX_CONFIG counts for more, --config for most', async () => {
    const environment = { RNX_CONFIG: await variant('from-environment', () => {}) };
    const named = await variant('named', () => {});
    expect((await run(['config', 'show'], { environment })).stdout).toContain('from-environment.yml');
    expect((await run(['config', 'show', '--config', named], { environment })).stdout).toContain('named.yml');
  });
});

describe('config rotate', () => {
  it('makes a new client certificate, then with --authority all of them', async () => {
    const before = await joblet.json('config', 'show');
    const rotated = await joblet.run('config', 'rotate');
    expect(rotated.stdout).toMatch(
      new RegExp(
        `^Certificates rotated successfully:\nWritten: ${original}\nClient certificate valid until: `,
      ),
    );
    const after = await joblet.json('config', 'show');
    const fingerprint = (shown: typeof before, part: 'certificate' | 'authority') =>
      shown.nodes[0][part].fingerprint;
    expect(fingerprint(after, 'certificate')).not.toBe(fingerprint(before, 'certificate'));
    expect(fingerprint(after, 'authority')).toBe(fingerprint(before, 'authority'));
    expect((await joblet.run('job', 'list')).exitCode).toBe(0);

    const old = await variant('before-authority', () => {});
    const { paths } = await joblet.json('config', 'rotate', '--authority');
    expect(paths).toEqual([join(joblet.root, 'etc/joblet/joblet-config.yml'), original]);
    expect(fingerprint(await joblet.json('config', 'show'), 'authority')).not.toBe(
      fingerprint(before, 'authority'),
    );
    expect((await joblet.run('job', 'list')).exitCode).toBe(0);
    expect((await joblet.run('job', 'list', '--config', old)).exitCode).toBe(1);
  });
});
