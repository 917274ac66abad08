/** A secret is in the command's environment, and in nothing that anybody else than root can read, or that stays. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { monitorsWith } from '../fixtures/monitors.ts';
import { CommandLine } from './cli-harness.ts';

const joblet = CommandLine.forFile();
/** Nothing else in the world is called that. */
const SECRET = 'swordfish-7f3a91';

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** Of each process that lives. */
function processFiles(name: 'cmdline' | 'environ'): Map<string, string> {
  const texts = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .map((pid): [string, string] => {
      try {
        return [pid, readFileSync(`/proc/${pid}/${name}`, 'latin1')];
      } catch {
        return [pid, '']; // it has ended
      }
    });
  return new Map(texts);
}

describe('a secret', () => {
  it('stands in no argument, file, answer or log, and in the environment of the command alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'joblet-secret-'));
    try {
      writeFileSync(join(folder, 'pin'), SECRET, { mode: 0o600 });
      const answers: string[] = [];
      const tell = async (...words: string[]) => {
        const { stdout, stderr } = await joblet.run(...words);
        answers.push(stdout, stderr);
        return stdout;
      };
      const flags = ['-s', `PIN=@${folder}/pin`, '--retry=1', '--label=of=test'];
      const submitted = await tell('--json', 'job', 'run', ...flags, 'printf %s "$PIN" | wc -c; sleep 60');
      const uuid: string = JSON.parse(submitted).job_uuid;
      await expect.poll(() => tell('job', 'log', uuid)).toBe(`${SECRET.length}\n`);
      const later = JSON.parse(
        await tell('--json', 'job', 'run', '--schedule=1h', ...flags, 'true'),
      ).job_uuid;
      for (const id of [uuid, later]) {
        await tell('job', 'status', id);
        await tell('--json', 'job', 'status', id);
      }
      await tell('--json', 'job', 'list');
      // One that no environment can hold: what is refused is not repeated.
      writeFileSync(join(folder, 'long'), SECRET.repeat(3000));
      await tell('job', 'run', '-s', `PIN=@${folder}/long`, 'true');
      expect(answers.filter((answer) => answer.includes(SECRET))).toEqual([]);
      expect(filesUnder(joblet.root).filter((path) => readFileSync(path).includes(SECRET))).toEqual([]);

      const seen = [...processFiles('cmdline')].filter(([, words]) => words.includes(SECRET));
      expect(seen).toEqual([]);
      const holders = [...processFiles('environ')].filter(([, words]) => words.includes(SECRET));
      const monitors = monitorsWith((job) => job.endsWith(uuid)).map(String);
      expect(holders.length).toBeGreaterThan(0);
      for (const [pid] of holders) {
        expect(monitors).not.toContain(pid);
        expect(Number(pid)).not.toBe(joblet.helper.pid);
        expect(statSync(`/proc/${pid}`).uid).toBe(65_534);
      }

      await joblet.run('job', 'stop', '--grace=0s', uuid);
      await joblet.run('job', 'cancel', later);
      expect(filesUnder(joblet.root).filter((path) => readFileSync(path).includes(SECRET))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
