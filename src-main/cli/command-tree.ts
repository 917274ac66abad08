/** The tree of commands. A command's own file is loaded when the command line names it, so that each start loads one. */
import type { CommandModule } from './cli.ts';

export interface CommandEntry {
  readonly description: string;
  readonly load: () => Promise<{ readonly command: CommandModule<never> }>;
  /** Not shown in help; part of the interface all the same. */
  readonly hidden?: boolean;
}

export interface CommandGroup {
  readonly description: string;
  readonly commands: CommandTree;
}

export type CommandTree = Readonly<Record<string, CommandEntry | CommandGroup>>;

export const COMMANDS: CommandTree = {
  job: {
    description: 'run jobs, and look after them',
    commands: {
      run: { description: 'run a command as a job', load: () => import('./commands/job-run.ts') },
      list: { description: 'list jobs, newest first', load: () => import('./commands/job-list.ts') },
      status: {
        description: 'show all that is known of a job, and how the kernel isolates it',
        load: () => import('./commands/job-status.ts'),
      },
      log: {
        description: "write a job's output, byte for byte",
        load: () => import('./commands/job-log.ts'),
      },
      download: {
        description: 'copy what a job has left in /work',
        load: () => import('./commands/job-download.ts'),
      },
      upload: {
        description: 'go on with the files that a job waits for',
        load: () => import('./commands/job-upload.ts'),
      },
      attach: {
        description: 'sit before a running job: its output, and input to it',
        load: () => import('./commands/job-attach.ts'),
      },
      exec: {
        description: 'run a command inside a running job',
        load: () => import('./commands/job-exec.ts'),
      },
      wait: {
        description: "wait for a job's end and exit with its code",
        load: () => import('./commands/job-wait.ts'),
      },
      metrics: {
        description: 'show what a job has used, from its start until its end',
        load: () => import('./commands/job-metrics.ts'),
      },
      pause: {
        description: 'let every process of a running job stand still, and its timeout',
        load: () => import('./commands/job-pause.ts'),
      },
      resume: { description: 'let a paused job go on', load: () => import('./commands/job-resume.ts') },
      stop: { description: 'end a running job', load: () => import('./commands/job-stop.ts') },
      delete: {
        description: 'remove an ended job with its log and files',
        load: () => import('./commands/job-delete.ts'),
      },
      'delete-all': {
        description: 'remove every job that has ended',
        load: () => import('./commands/job-delete-all.ts'),
      },
      cancel: {
        description: 'end a job that is SCHEDULED, before it starts',
        load: () => import('./commands/job-cancel.ts'),
      },
      telematics: notOffered('job telematics'),
      visibility: notOffered('job visibility'),
    },
  },
  volume: {
    description: 'folders with a size that outlive jobs',
    commands: {
      create: {
        description: 'make a volume, which jobs see at /volumes/NAME',
        load: () => import('./commands/volume-create.ts'),
      },
      list: { description: 'list volumes', load: () => import('./commands/volume-list.ts') },
      remove: {
        description: 'remove a volume with all that is in it',
        load: () => import('./commands/volume-remove.ts'),
      },
    },
  },
  network: {
    description: 'the networks that jobs can have',
    commands: {
      create: { description: 'make a network', load: () => import('./commands/network-create.ts') },
      list: { description: 'list the networks', load: () => import('./commands/network-list.ts') },
      remove: {
        description: 'remove a network that no job uses',
        load: () => import('./commands/network-remove.ts'),
      },
    },
  },
  helper: {
    description: 'start and stop the helper, the root process that runs jobs',
    commands: {
      start: { description: 'start the helper', load: () => import('./commands/helper-start.ts') },
      stop: {
        description: 'end the helper; running jobs go on',
        load: () => import('./commands/helper-stop.ts'),
      },
      status: {
        description: 'tell whether the helper runs',
        load: () => import('./commands/helper-status.ts'),
      },
    },
  },
  config: {
    description: 'the configuration and its certificates',
    commands: {
      show: {
        description: 'show the configuration in use, without its keys',
        load: () => import('./commands/config-show.ts'),
      },
      check: {
        description: 'check expiry, keys, chain, owner and mode',
        load: () => import('./commands/config-check.ts'),
      },
      rotate: { description: 'make new certificates', load: () => import('./commands/config-rotate.ts') },
    },
  },
  nodes: { description: 'list the nodes of the configuration', load: () => import('./commands/nodes.ts') },
  doctor: {
    description: 'tell what this machine gives to jobs, and what is missing',
    load: () => import('./commands/doctor.ts'),
  },
  'support-bundle': {
    description: 'pack what helps to find a fault, without secrets, into one file',
    load: () => import('./commands/support-bundle.ts'),
  },
  'config-help': {
    description: 'explain the client configuration',
    load: () => import('./commands/config-help.ts'),
  },
  version: {
    description: 'show the versions of command and helper',
    load: () => import('./commands/version.ts'),
  },
  completion: {
    description: 'write a completion script for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
  __complete: {
    description: 'answer a completion script',
    load: () => import('./commands/complete.ts'),
    hidden: true,
  },
  workflow: notOffered('workflow'),
  runtime: notOffered('runtime'),
  monitor: {
    description: 'show the machine, and what jobs use of it',
    commands: {
      status: {
        description: 'show processors, memory, disk, load and jobs once',
        load: () => import('./commands/monitor-status.ts'),
      },
      top: {
        description: 'list the jobs that run, those that use most first',
        load: () => import('./commands/monitor-top.ts'),
      },
      watch: {
        description: 'show both again and again',
        load: () => import('./commands/monitor-watch.ts'),
      },
    },
  },
};

/** A command of Joblet's interface that this version lacks: known, and refused in words of its own. */
function notOffered(name: string, mend = ''): CommandEntry {
  return {
    description: 'not offered by this version',
    load: async () => (await import('./commands/not-offered.ts')).notOfferedCommand(name, mend),
    hidden: true,
  };
}
