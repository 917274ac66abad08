/** All that the main process says to people beside errors: menus, dialogs, notifications. One table, ready for translation. */
import type { JobStatus } from '../ipc/contract.ts';

const jobs = (count: number) => (count === 1 ? '1 job' : `${count} jobs`);

export const text = {
  name: 'Joblet',
  dialogs: {
    notStarted: 'Joblet could not start',
    saveLog: 'Save log',
    download: 'Download files into …',
    choose: 'For the job',
    open: 'Open',
    cancel: 'Cancel',
    openAddress: (host: string) => `Open ${host} in your browser?`,
    notUploaded: (job: string) => `The files of ${job} were not uploaded`,
    uploadAgain: (reason: string) =>
      `${reason}\n\nThe job waits for them. \`joblet job upload\` goes on where it ended.`,
    damaged: (path: string) => `${path} could not be used, so everything in it is as at first.`,
    keptAs: (reason: string, keptAs: string) => `${reason}\n\nIt is kept as ${keptAs}.`,
  },
  tray: {
    running: (count: number) => (count === 0 ? 'No job runs' : `${jobs(count)} running`),
    show: 'Open Joblet',
    newJob: 'New job',
    quit: 'Quit; jobs go on',
  },
  log: {
    steps: {
      disk: 'Output on the disk again',
      memory: 'Output kept in memory',
      spill: 'Output kept in another place',
      blocked: 'Waits for the disk',
      sampled: 'Output has lines left out',
    },
    cause: (cause: string) => `The disk said ${cause}.`,
    waiting: (bytes: string) => `${bytes} wait.`,
    every: (every: number) => (every === 0 ? 'No line is kept now.' : `1 line of ${every} is kept now.`),
    lost: (lines: string, bytes: string) => `${lines} (${bytes}) are lost.`,
  },
  notifications: {
    hidden: (count: number) => `${jobs(count)} running`,
    inTray: 'Joblet stays in the tray and tells when they end.',
    inBackground: 'Joblet stays and tells when they end. Start it again to see its window.',
    ended: {
      COMPLETED: 'Job completed',
      FAILED: 'Job failed',
      STOPPED: 'Job stopped',
      CANCELED: 'Job cancelled',
      TIMEOUT: 'Job ran out of time',
      LOST: 'Job lost',
    } as Readonly<Partial<Record<JobStatus, string>>>,
    exitCode: (code: number) => `Exit code ${code}.`,
    after: (duration: string) => `It ran for ${duration}.`,
    many: (count: number, failed: number) =>
      failed === 0 ? `${jobs(count)} ended` : `${jobs(count)} ended, ${failed} not well`,
  },
} as const;
