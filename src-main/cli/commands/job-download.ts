import type { Command } from 'commander';
import { download } from '../../client/download.ts';
import { declareJobId } from '../arguments/job-id.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';
import { progressOn, shareText } from '../progress.ts';

interface JobDownloadFlags {
  readonly to?: string;
  readonly overwrite?: boolean;
}

function declare(command: Command): void {
  declareJobId(command)
    .argument('[path]', 'a file or folder, relative to /work (default: all)')
    .option(
      '--to <folder>',
      'where it is written (default: joblet-ID, of 8 characters, in the current folder)',
    )
    .option('--overwrite', 'replace files that are there and differ');
}

/** Exits with 1 when something was left out. */
async function run(invocation: Invocation<JobDownloadFlags>): Promise<number> {
  const { cli, flags, globals, operands } = invocation;
  const [id = '', path = ''] = operands;
  return withClient(invocation, async (client) => {
    const { uuid } = await client.jobs.getJob({ id });
    const to = flags.to ?? `joblet-${uuid.slice(0, 8)}`;
    const progress = progressOn(invocation);
    const { files, kept, bytes, leftOut } = await download(to, {
      files: client.files,
      uuid,
      path: Buffer.from(path),
      overwrite: flags.overwrite === true,
      onProgress: (done, total) => progress(done >= total ? '' : shareText(done, total)),
      onInterruption: () => progress('the helper went away; waiting for it'),
    });
    const omitted = leftOut.map((each) => ({ ...each, path: Buffer.from(each.path).toString() }));
    for (const each of omitted) {
      await cli.stderr.write(
        `${cli.programName}: left out: ${escapeControlCharacters(each.path)}: ${each.reason}\n`,
      );
    }
    await cli.stdout.write(
      globals.json
        ? jsonText({ job_uuid: uuid, folder: to, files, already_there: kept, bytes, left_out: omitted })
        : `Files downloaded successfully:\nID: ${uuid}\nFolder: ${escapeControlCharacters(to)}\n` +
            `Files: ${files} (${bytes} bytes), ${kept} there already, ${leftOut.length} left out\n`,
    );
    return leftOut.length === 0 ? ExitCode.success : ExitCode.failure;
  });
}

export const command: CommandModule<JobDownloadFlags> = { declare, run, operand: 'job' };
