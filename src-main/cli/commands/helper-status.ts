import type { HelperStatus } from '../../../native-helper/api/gen/joblet_pb.js';
import type { CommandModule, Invocation } from '../cli.ts';
import { withClient } from '../connection.ts';
import { ExitCode } from '../errors.ts';
import { escapeControlCharacters } from '../format/escape.ts';
import { jsonText } from '../format/json.ts';
import { logsJson, logsText } from '../format/log-usage.ts';
import { localTime, rfc3339 } from '../format/time.ts';

async function run(invocation: Invocation<object>): Promise<number> {
  const { cli, globals } = invocation;
  const [status, logs] = await withClient(invocation, ({ helper }) =>
    Promise.all([helper.getStatus({}), helper.getLogUsage({})]),
  );
  await cli.stdout.write(
    globals.json ? jsonText({ ...asJson(status), logs: logsJson(logs) }) : asText(status) + logsText(logs),
  );
  return ExitCode.success;
}

function asText(status: HelperStatus): string {
  const lines = [
    'Helper: running',
    `Version: ${status.version}`,
    `Build: ${status.buildId}`,
    `PID: ${status.pid}`,
    `Started: ${localTime(status.startedUs)}`,
    `Node ID: ${status.nodeId}`,
    `Root: ${status.root}`,
    `Jobs: ${status.jobsRunning} running, ${status.jobsTotal} in all`,
    `Cgroup: ${status.cgroup || 'none'}`,
    `Limits: ${status.controllers.join(', ') || 'none; jobs that ask for one are refused'}`,
  ];
  return lines.map((line) => `${escapeControlCharacters(line)}\n`).join('');
}

function asJson(status: HelperStatus): Readonly<Record<string, unknown>> {
  return {
    running: true,
    version: status.version,
    build_id: status.buildId,
    pid: status.pid,
    started_time: rfc3339(status.startedUs),
    node_id: status.nodeId,
    root: status.root,
    jobs_running: status.jobsRunning,
    jobs_total: status.jobsTotal,
    cgroup: status.cgroup,
    controllers: status.controllers,
  };
}

export const command: CommandModule = { declare: () => {}, run };
