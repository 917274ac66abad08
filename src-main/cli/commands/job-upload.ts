import { isAbsolute } from 'node:path';
import type { Command } from 'commander';
import { localFilesOf } from '../../client/local-tree.ts';
import { totalsOf } from '../../client/upload.ts';
import { declareJobId } from '../arguments/job-id.ts';
import { bringFiles } from '../bring-files.ts';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode, usageError } from '../errors.ts';
import { jsonText } from '../format/json.ts';
import { statusName } from '../format/status.ts';
import { uploadedLine } from '../format/submission.ts';

function declare(command: Command): void {
  declareJobId(command).argument(
    '[path...]',
    'files, and folders of which the contents are meant (default: what the job was handed over with)',
  );
}

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals, operands } = invocation;
  const [id = '', ...paths] = operands;
  return withClient(invocation, async (client) => {
    const { uuid, spec } = await client.jobs.getJob({ id });
    const files = await localFilesOf(paths.length > 0 ? paths : pathsOf(spec?.uploads ?? []));
    const outcome = await bringFiles(invocation, { client, uuid, files });
    if ('exitCode' in outcome) {
      return outcome.exitCode;
    }
    const status = statusName(outcome.job.status);
    const uploaded = totalsOf(files).files;
    await cli.stdout.write(
      globals.json
        ? jsonText({ job_uuid: uuid, status, files_uploaded: uploaded })
        : `ID: ${uuid}\nStatus: ${status}\n${uploadedLine(uploaded)}\n`,
    );
    return ExitCode.success;
  });
}

/** What another client has put down there need be no path. */
function pathsOf(uploads: readonly string[]): readonly string[] {
  if (uploads.length === 0 || !uploads.every((path) => isAbsolute(path))) {
    throw usageError('path', 'is missing, and the job does not say where its files are');
  }
  return uploads;
}

export const command: CommandModule = { declare, run, operand: 'scheduled job' };
