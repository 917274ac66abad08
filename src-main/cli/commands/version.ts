import { JobletError } from '../../../native-helper/api/errors.ts';
import type { HelperStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const helper = await helperStatus(invocation);
  await cli.stdout.write(globals.json ? jsonText(asJson(cli.version, helper)) : asText(cli, helper));
  return ExitCode.success;
}

type Answer = HelperStatus | JobletError;

/** The version of this command is worth telling even where no helper answers. */
async function helperStatus(invocation: Invocation<object>): Promise<Answer> {
  try {
    return await withClient(invocation, (client) => client.helper.getStatus({}));
  } catch (error) {
    if (error instanceof JobletError) {
      return error;
    }
    throw error;
  }
}

function asText({ programName, version }: Invocation<object>['cli'], helper: Answer): string {
  const told =
    helper instanceof JobletError
      ? `not reached (${helper.message})`
      : `${helper.version} (build ${helper.buildId.slice(0, 12)})`;
  return `${programName} version ${version}\nhelper version ${escapeControlCharacters(told)}\n`;
}

function asJson(version: string, helper: Answer) {
  return helper instanceof JobletError
    ? { version, helper: null, helper_error: helper.message }
    : { version, helper: { version: helper.version, build_id: helper.buildId } };
}

export const command: CommandModule = { declare: () => {}, run };
