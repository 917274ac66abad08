/**
 * From the start of the process to a window that can be used: the page is drawn and the jobs are listed, a helper with 1000
 * past jobs answering. Against a window that shows one line and does nothing, started the same way.
 */
import { join } from 'node:path';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { prepareFolders } from '../../native-helper/server/config/folders.ts';
import { temporaryRoot } from '../fixtures/root.ts';
import { RunningHelper } from '../fixtures/running-helper.ts';
import { AppWindow, Display } from './app-window.ts';
import { alternating, describe, type Measurement, median } from './measurement.ts';
import { holdPastJobs } from './past-jobs.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const PAIRS = 10;
const PAST_JOBS = 1000;
const BAR = 2;

export async function run(): Promise<Measurement> {
  const root = temporaryRoot();
  const paths = pathsUnder(root);
  prepareFolders(paths);
  holdPastJobs(paths, PAST_JOBS);
  await using _helper = await RunningHelper.start({ root });
  await using display = await Display.start();
  const startOf = async (argv: readonly string[]): Promise<number> => {
    await using window = await AppWindow.start(display, argv);
    return await window.untilMark('usable');
  };
  const values = await alternating(
    PAIRS,
    () => startOf([CHECKOUT, `--root=${root}`]),
    () => startOf([join(import.meta.dirname, 'bare-window')]),
  );
  process.stdout.write(
    `${describe('the app', values.ours, 'ms')}\n${describe('a bare window', values.peer, 'ms')}\n`,
  );
  const [figure, peer] = [median(values.ours), median(values.peer)];
  const ratio = figure / peer;
  const against = 'a bare Electron window';
  return { name: 'app-start', figure, unit: 'ms', against, peer, ratio, bar: `<= ${BAR}`, ok: ratio <= BAR };
}
