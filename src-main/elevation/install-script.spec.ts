import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { installCommand, installCommandLine } from './install-script.ts';

const installation = {
  directory: "/home/o'neil/my joblet/$(id)/dist",
  helperHash: 'a'.repeat(64),
  starterHash: 'b'.repeat(64),
  buildId: 'c'.repeat(64),
  root: '',
  uid: 1000,
};

describe('installCommandLine', () => {
  it('means to a shell just what is run, whatever the folder is called', () => {
    const line = installCommandLine(installation).replace(/^sudo /, '');
    const printed = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
    expect(printed.split('\0').slice(0, -1)).toEqual(installCommand(installation));
  });

  it('names no file as the program that root runs but the system shell', () => {
    expect(installCommand(installation).slice(0, 2)).toEqual(['/bin/sh', '-euc']);
  });

  it('is a script that the shell can parse', () => {
    const [program, , script] = installCommand(installation);
    expect(spawnSync(program, ['-n', '-c', script ?? '']).status).toBe(0);
  });
});
