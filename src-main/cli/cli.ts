/** What every command is given, and what a command's file exports. */
import type { Command } from 'commander';
import type { Sink } from './output.ts';

export interface Cli {
  /** `joblet`, or `rnx` when the program was called by that name. */
  readonly programName: string;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** The flags that every command takes, before or after its name. */
export interface GlobalFlags {
  /** Path of a client configuration; absent = the usual places. */
  readonly config?: string;
  /** Name of a node in the configuration; absent = the default one. */
  readonly node?: string;
  /** Folder that everything of Joblet lies under. */
  readonly root: string;
  readonly json: boolean;
}

export interface Invocation<Flags> {
  readonly cli: Cli;
  readonly flags: Flags;
  readonly globals: GlobalFlags;
  /** The positional arguments, already counted by commander. */
  readonly operands: readonly string[];
}

/** What a completion script may offer as a command's operand. */
export type OperandKind = 'job' | 'running job' | 'scheduled job' | 'ended job' | 'file' | readonly string[];

export interface CommandModule<Flags = object> {
  /** Adds arguments and flags to the command, whose name and description stand in `command-tree.ts`. */
  declare(command: Command): void;
  /** Does the command's work and answers with the exit code. */
  run(invocation: Invocation<Flags>): Promise<number>;
  /** What an error other than one of usage exits with; 1 unless a job's own code is expected in its place. */
  readonly failureExitCode?: number;
  readonly operand?: OperandKind;
}
