/** The command line: `joblet`, also called `rnx`. */
import { basename } from 'node:path';
import { VERSION } from '../../native-helper/api/version.ts';
import type { Cli } from './cli.ts';
import { ExitCode, errorJson, errorText, toJobletError } from './errors.ts';
import { BrokenPipe, sinkOf } from './output.ts';
import { parseCommandLine } from './program.ts';

/** The old name brings nothing but itself: help and errors speak of the name that was typed. */
function programNameOf(path: string | undefined): string {
  return basename(path ?? '').replace(/\.(?:cjs|ts)$/, '') === 'rnx' ? 'rnx' : 'joblet';
}

async function main(cli: Cli, words: readonly string[]): Promise<number> {
  // Until the words are parsed nobody knows whose flag a --json is; errors of the parse take any before the first --.
  let json = words.slice(0, words.indexOf('--') >>> 0).includes('--json');
  let failureExitCode: number = ExitCode.failure;
  try {
    const request = await parseCommandLine(words, cli);
    if (request.kind === 'show') {
      await cli.stdout.write(request.text);
      return ExitCode.success;
    }
    json = request.invocation.globals.json;
    failureExitCode = request.module.failureExitCode ?? ExitCode.failure;
    return await request.module.run({ ...request.invocation, cli });
  } catch (thrown) {
    if (thrown instanceof BrokenPipe) {
      return ExitCode.brokenPipe;
    }
    const error = toJobletError(thrown);
    await cli.stderr.write(json ? errorJson(error) : errorText(error, cli.programName)).catch(() => {});
    return error.kind === 'invalid' ? ExitCode.usage : failureExitCode;
  }
}

const cli: Cli = {
  programName: programNameOf(process.argv[1]),
  version: VERSION,
  environment: process.env,
  stdout: sinkOf(process.stdout, 'standard output', process.env),
  stderr: sinkOf(process.stderr, 'standard error', process.env),
};
// Every write has been taken by the kernel, so nothing is lost; what may still be open is a connection to the helper.
main(cli, process.argv.slice(2)).then((code) => process.exit(code));
