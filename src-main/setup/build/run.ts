import { spawn } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

/** The environment in which the tools that npm installed are found by name, this Node first. */
const environment = {
  ...process.env,
  PATH: [resolve('node_modules/.bin'), process.env.PATH].join(delimiter),
};

/** Runs a build tool in a folder; its output is shown only when it fails. */
export function run(program: string, argv: readonly string[], cwd = '.'): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(program, argv, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    let output = '';
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', fail);
    child.on('close', (code, signal) =>
      code === 0
        ? done()
        : fail(new Error(`${program} ${argv.join(' ')}: ${signal ?? `exit code ${code}`}\n${output}`)),
    );
  });
}
