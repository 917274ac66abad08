import type { Command } from 'commander';

/** Declares the one job that a command is for. */
export function declareJobId(command: Command): Command {
  return command.argument('<id>', "the job's id, or its first characters (8 are enough when unique)");
}
