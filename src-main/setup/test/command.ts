/** Runs one part of the tests: folded while it passes, in full when it fails. */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';

const HEARTBEAT_MS = 30_000;

export interface Command {
  readonly title: string;
  readonly program: string;
  readonly argv: readonly string[];
  readonly timeoutMs: number;
  /** Path of the file that gets all of the output. */
  readonly log: string;
  /** Says what went wrong, where the exit code is not the whole verdict; null = nothing. */
  readonly judge?: (exitCode: number, output: string) => string | null;
}

export interface CommandResult {
  readonly succeeded: boolean;
  readonly output: string;
}

/** Its processes are a group of their own, which ends with it. */
export async function runCommand(command: Command): Promise<CommandResult> {
  const start = Date.now();
  // Two may run at one time: each line says of which it is.
  const elapsed = () => `${((Date.now() - start) / 1000).toFixed(1)} s: ${command.title}`;
  process.stdout.write(`\n== ${command.title}\n`);
  const heartbeat = setInterval(() => process.stdout.write(`   … ${elapsed()}\n`), HEARTBEAT_MS);
  try {
    const { output, problem } = await collect(command);
    if (problem !== null) {
      process.stdout.write(`${output}\n`);
    }
    process.stdout.write(`   ${problem === null ? 'passed' : `FAILED: ${problem}`} in ${elapsed()}\n`);
    return { succeeded: problem === null, output };
  } finally {
    clearInterval(heartbeat);
  }
}

const judgeByExitCode = (exitCode: number): string | null =>
  exitCode === 0 ? null : `exit code ${exitCode}`;

function collect({
  program,
  argv,
  timeoutMs,
  log,
  judge = judgeByExitCode,
}: Command): Promise<{ output: string; problem: string | null }> {
  return new Promise((resolve) => {
    const file = createWriteStream(log);
    const child = spawn(program, argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      // Its output is for a file first; vitest colours it wherever CI is set.
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    let timedOut = false;
    const end = (problem: string | null) => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
      file.end();
      resolve({ output, problem });
    };
    const kill = (signal: NodeJS.Signals) => {
      if (child.pid !== undefined) {
        process.kill(-child.pid, signal);
      }
    };
    const interrupt = (signal: NodeJS.Signals) => {
      kill(signal);
      process.exit(130);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill('SIGKILL');
    }, timeoutMs);
    process.on('SIGINT', interrupt);
    process.on('SIGTERM', interrupt);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        file.write(chunk);
      });
    }
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => {
      if (timedOut) {
        end(`not ended within ${timeoutMs / 1000} s`);
      } else {
        end(code === null ? `${signal}` : judge(code, output));
      }
    });
  });
}
