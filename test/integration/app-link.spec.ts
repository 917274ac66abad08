/** How the app stands with a real helper: each state, and the way out of it. */
import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { JobletError } from '../../native-helper/api/errors.ts';
import { clientConfigOf, pathsUnder } from '../../native-helper/api/paths.ts';
import { startHelper } from '../../src-main/app/helper-start.ts';
import { Link, type LinkOptions } from '../../src-main/app/link.ts';
import { installationCommandLine } from '../../src-main/elevation/helper-process.ts';
import type { LinkState } from '../../src-main/ipc/contract.ts';
import { DIST, JOBLET } from '../fixtures/dist.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';

const BUILD_ID = readFileSync(join(DIST, 'build-id'), 'utf8');
const PATIENCE_MS = 20_000;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) {
    await close();
  }
});

const helperUnder = async (root: string): Promise<RunningHelper> => {
  const helper = await RunningHelper.start({ root });
  closing.push(() => helper[Symbol.asyncDispose]());
  return helper;
};

const emptyRoot = (): string => {
  const root = temporaryRoot();
  closing.push(() => rmSync(root, { recursive: true, force: true }));
  return root;
};

/** A link, and all that it said. */
const linkTo = (root: string, options: Partial<LinkOptions> = {}) => {
  const link = new Link({
    root,
    buildId: BUILD_ID,
    installCommand: async () => 'sudo it',
    startHelper: async () => {
      throw new Error('nobody asked for a start');
    },
    ...options,
  });
  closing.push(() => link[Symbol.dispose]());
  const said: LinkState['state'][] = [link.state.value.state];
  link.state.subscribe(({ state }) => said.push(state));
  const until = async <State extends LinkState['state']>(wanted: State) => {
    const state = await link.state.until(({ state }) => state === wanted, AbortSignal.timeout(PATIENCE_MS));
    return state as Extract<LinkState, { state: State }>;
  };
  return { link, said, until };
};

const stopByHand = (root: string) => {
  const { lock } = pathsUnder(root);
  process.kill(Number.parseInt(readFileSync(lock, 'utf8'), 10), 'SIGTERM');
};

describe('the link', () => {
  it('says what root has to run where nothing was ever installed', async () => {
    const root = emptyRoot();
    const { until, link } = linkTo(root, {
      installCommand: () => installationCommandLine(pathsUnder(root), DIST),
    });
    const { command } = await until('not-installed');
    expect(command).toMatch(/^sudo \/bin\/sh -euc '/);
    expect(command).toContain(root);
    expect(() => link.client).toThrow('it is not installed');
  });

  it('connects to a helper that is there, and knows it', async () => {
    const helper = await helperUnder(emptyRoot());
    const { until, said, link } = linkTo(helper.root);
    expect((await until('connected')).version).toMatch(/^\d+\./);
    expect(said).toEqual(['connecting', 'connected']);
    expect((await link.client.helper.getStatus({})).pid).toBe(helper.pid);
  });

  it.each(['kill', 'stop'] as const)(
    'tells at once of a helper that went away (%s), and of its return',
    async (way) => {
      const helper = await helperUnder(emptyRoot());
      const { until, said } = linkTo(helper.root);
      await until('connected');
      await helper[way]();
      const { sinceUs } = await until('lost');
      expect(Math.abs(Date.now() - sinceUs / 1000)).toBeLessThan(5000);
      await helper.startAgain();
      await until('connected');
      expect(said).toEqual(['connecting', 'connected', 'lost', 'connected']);
    },
  );

  it('knows one that is installed and does not run', async () => {
    const helper = await helperUnder(emptyRoot());
    await helper.stop();
    const { until, said } = linkTo(helper.root);
    await until('not-running');
    expect(said).toEqual(['connecting', 'not-running']);
  });

  it('knows one of another build, which answers all the same', async () => {
    const helper = await helperUnder(emptyRoot());
    const { until, link } = linkTo(helper.root, { buildId: 'f'.repeat(64) });
    await until('other-version');
    expect((await link.client.jobs.listJobs({})).jobs).toEqual([]);
  });

  it('says that a helper is stuck, and goes on when it is not any more', async () => {
    const helper = await helperUnder(emptyRoot());
    process.kill(helper.pid, 'SIGSTOP');
    const { until } = linkTo(helper.root, { answerMs: 300 });
    const { failure } = await until('silent');
    expect(failure.reason).toBe('the helper runs, and has not answered within 0.3 s');
    process.kill(helper.pid, 'SIGCONT');
    await until('connected');
  });

  it('uses new certificates without a word', async () => {
    const helper = await helperUnder(emptyRoot());
    const { until, said, link } = linkTo(helper.root);
    await until('connected');
    const before = link.client;
    await link.rotateCertificates(true);
    await link.afterLossOf(before, AbortSignal.timeout(PATIENCE_MS));
    const after = await link.connected(AbortSignal.timeout(PATIENCE_MS));
    expect(after).not.toBe(before);
    expect((await after.helper.getStatus({})).pid).toBe(helper.pid);
    expect(said).toEqual(['connecting', 'connected']);
  });
});

describe('a configuration that can not be used', () => {
  const withConfig = async (spoil: (path: string, helper: RunningHelper) => unknown) => {
    const helper = await helperUnder(emptyRoot());
    await spoil(clientConfigOf(pathsUnder(helper.root), 0), helper);
    const { until } = linkTo(helper.root);
    const { failure } = await until('refused');
    await helper.stop();
    return failure;
  };

  it('is one that others can read', async () => {
    const failure = await withConfig((path) => chmodSync(path, 0o644));
    expect(failure).toMatchObject({ layer: 'config', reason: expect.stringContaining('has mode 0644') });
  });

  it('is one that is not there yet, while the helper runs', async () => {
    const failure = await withConfig((path) => rmSync(path));
    expect(failure.reason).toBe('the helper runs, and does not allow uid 0 yet');
    expect(failure.mend).toContain('allowed_uids');
  });

  it('is one of another helper', async () => {
    const other = await helperUnder(emptyRoot());
    const failure = await withConfig((path, helper) => {
      const foreign = readFileSync(clientConfigOf(pathsUnder(other.root), 0), 'utf8');
      writeFileSync(path, foreign.replaceAll(other.root, helper.root));
    });
    expect(failure.reason).toContain('of another helper, or of an old one');
  });

  it('is one that is damaged', async () => {
    const failure = await withConfig((path) => writeFileSync(path, 'version: 1\nnodes: {}\n'));
    expect(failure).toMatchObject({ kind: 'invalid', reason: expect.stringContaining('at least one node') });
  });

  it('is mended by hand without a restart of the app', async () => {
    const helper = await helperUnder(emptyRoot());
    const path = clientConfigOf(pathsUnder(helper.root), 0);
    renameSync(path, `${path}.away`);
    const { until } = linkTo(helper.root);
    await until('refused');
    renameSync(`${path}.away`, path);
    await until('connected');
  });
});

describe('a start', () => {
  it.each([
    ['others can read its configuration', (path: string) => chmodSync(path, 0o644)],
    ['its configuration is gone', (path: string) => rmSync(path)],
    ['nothing is wrong', () => {}],
  ])(
    'with the real command line brings the helper up and mends what it can: %s',
    { timeout: 120_000 },
    async (_, spoil) => {
      const root = emptyRoot();
      const { until, link, said } = linkTo(root, { startHelper: () => startHelper(JOBLET, root) });
      closing.push(() => stopByHand(root));
      await until('not-installed');
      await link.start();
      await until('connected');
      spoil(clientConfigOf(pathsUnder(root), 0));
      stopByHand(root);
      await until('lost');
      await link.start();
      expect(link.state.value.state).toBe('connected');
      expect(said.filter((state) => state === 'starting')).toHaveLength(2);
    },
  );

  it('that was refused says why, until the helper is there', async () => {
    const helper = await helperUnder(emptyRoot());
    await helper.stop();
    const dismissed = new JobletError('refused', {
      layer: 'elevation',
      operation: 'start',
      object: '/var/lib/joblet/bin/elevate-start',
      reason: 'the password prompt was dismissed',
      mend: '',
    });
    const { until, link, said } = linkTo(helper.root, { startHelper: () => Promise.reject(dismissed) });
    await until('not-running');
    await Promise.all([link.start(), link.start()]);
    expect((await until('start-failed')).failure.reason).toBe('the password prompt was dismissed');
    await helper.startAgain();
    await until('connected');
    expect(said).toEqual(['connecting', 'not-running', 'starting', 'start-failed', 'connected']);
  });

  const onlyInTerminal = () =>
    Promise.reject(
      new JobletError('refused', {
        layer: 'elevation',
        operation: 'install',
        object: 'bin',
        reason: 'only root may',
        mend: '',
      }),
    );

  it('that only a terminal can make says what to run there', async () => {
    const helper = await helperUnder(emptyRoot());
    await helper.stop();
    const { until, link } = linkTo(helper.root, { startHelper: onlyInTerminal });
    await until('not-running');
    await link.start();
    expect(await until('not-installed')).toEqual({ state: 'not-installed', command: 'sudo it' });
  });

  it('that only a terminal can make says so beside a helper of another build, too', async () => {
    const helper = await helperUnder(emptyRoot());
    const { until, link } = linkTo(helper.root, {
      buildId: 'f'.repeat(64),
      startHelper: onlyInTerminal,
    });
    expect(await until('other-version')).toMatchObject({ command: null });
    await link.start();
    expect(link.state.value).toMatchObject({ state: 'other-version', command: 'sudo it' });
  });

  it('that fails beside a helper of another build leaves that one in use', async () => {
    const helper = await helperUnder(emptyRoot());
    const { until, link } = linkTo(helper.root, {
      buildId: 'f'.repeat(64),
      startHelper: () => Promise.reject(new Error('no')),
    });
    await until('other-version');
    await expect(link.start()).rejects.toThrow('no');
    expect(link.state.value.state).toBe('other-version');
  });
});
