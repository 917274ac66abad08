/** From words to a command: commander with our tree, our globals, and our errors in place of its own. */
import { Command, type CommanderError } from 'commander';
import type { CommandModule, GlobalFlags, Invocation } from './cli.ts';
import { COMMANDS, type CommandEntry, type CommandGroup } from './command-tree.ts';
import { usageError } from './errors.ts';

/** What a command line asks for: a command to run, or a text (help, version) to show. */
export type Request =
  | { readonly kind: 'run'; readonly module: CommandModule<never>; readonly invocation: ParsedInvocation }
  | { readonly kind: 'show'; readonly text: string };

type ParsedInvocation = Omit<Invocation<never>, 'cli'>;

export interface ProgramIdentity {
  readonly programName: string;
  readonly version: string;
}

/**
 * @param words the command line without interpreter and program
 * @throws JobletError of kind `invalid` for a malformed command line
 */
export async function parseCommandLine(
  words: readonly string[],
  identity: ProgramIdentity,
): Promise<Request> {
  const parse = new CommandLineParse(identity);
  const [first, ...rest] = words;
  // `help job run` asks for the same as `job run --help`.
  return parse.request(first === 'help' ? [...rest, '--help'] : words);
}

/** Help or version has been shown: where commander would end the process, the parse ends. */
class TextShown extends Error {}

class CommandLineParse {
  readonly #identity: ProgramIdentity;
  #text = '';
  #selected: Request | undefined;

  constructor(identity: ProgramIdentity) {
    this.#identity = identity;
  }

  async request(words: readonly string[]): Promise<Request> {
    const program = this.#group(this.#identity.programName, {
      description: 'Run jobs in kernel sandboxes on this machine.',
      commands: COMMANDS,
    });
    try {
      await program.parseAsync(words, { from: 'user' });
    } catch (error) {
      if (!(error instanceof TextShown)) {
        throw error;
      }
    }
    return this.#selected ?? { kind: 'show', text: this.#text };
  }

  #group(name: string, { description, commands }: CommandGroup): Command {
    const group = this.#withSharedFlags(this.#command(name, description));
    const entries = new Map<Command, CommandEntry>();
    for (const [childName, child] of Object.entries(commands)) {
      const isGroup = 'commands' in child;
      const command = isGroup ? this.#group(childName, child) : this.#command(childName, child.description);
      group.addCommand(command, { hidden: !isGroup && child.hidden === true });
      if (!isGroup) {
        entries.set(command, child);
      }
    }
    return group.hook('preSubcommand', async (_parent, command) => {
      const entry = entries.get(command);
      if (entry !== undefined) {
        this.#declare(command, (await entry.load()).command);
      }
    });
  }

  /** A command without flags yet, and without any output or exit of commander's own. */
  #command(name: string, description: string): Command {
    const command = new Command(name);
    return command
      .description(description)
      .helpCommand(false)
      .enablePositionalOptions()
      .configureHelp({ subcommandTerm: (each) => each.name() })
      .exitOverride((error) => {
        throw error.exitCode === 0 ? new TextShown() : usageErrorOf(error, command);
      })
      .configureOutput({
        writeOut: (text) => {
          this.#text += text;
        },
        writeErr: () => {},
        outputError: () => {},
      });
  }

  /** The command's own flags first, so that its help shows them first. */
  #declare(command: Command, module: CommandModule<never>): void {
    module.declare(command);
    this.#withSharedFlags(command).action(() => {
      this.#selected = { kind: 'run', module, invocation: invocationOf(command) };
    });
  }

  #withSharedFlags(command: Command): Command {
    const { programName, version } = this.#identity;
    return withGlobalFlags(command)
      .version(`${programName} ${version}`, '--version', 'show the version and end')
      .helpOption('-h, --help', 'show this help and end');
  }
}

/** Commander takes a flag after a command's name only where that command has declared it. */
export function withGlobalFlags(command: Command): Command {
  return command
    .optionsGroup('Flags of every command:')
    .option('--config <path>', 'client configuration to use')
    .option('--node <name>', 'node of the configuration to ask')
    .option('--root <directory>', 'folder that everything of Joblet lies under (default: /)')
    .option('--json', 'write JSON');
}

/** A global nearer to the command counts for more; commander's own merge has it the other way round. */
function invocationOf(command: Command): ParsedInvocation {
  const flags = Object.assign({}, ...lineage(command).map((each) => each.opts()));
  const { config, node, root = '/', json = false, ...own } = flags as Partial<GlobalFlags>;
  const globals = {
    ...(config !== undefined && { config }),
    ...(node !== undefined && { node }),
    root,
    json,
  };
  return { operands: command.args, flags: own as never, globals };
}

/** From the program down to the command. */
function lineage(command: Command): Command[] {
  return command.parent === null ? [command] : [...lineage(command.parent), command];
}

function usageErrorOf(error: CommanderError, command: Command) {
  const path = lineage(command)
    .map((each) => each.name())
    .join(' ');
  const message = error.message.replace(/^error: /, '');
  const [, summary = '', suggestion = ''] = /^(.*?)(?:\n\((Did you mean .*)\))?$/s.exec(message) ?? [];
  const quoted = /'(.*)'/s.exec(summary)?.[1] ?? '';
  const mend = [suggestion, `See: ${path} --help`].filter(Boolean).join(' ');
  switch (error.code) {
    case 'commander.help': {
      const names = command
        .createHelp()
        .visibleCommands(command)
        .map((each) => each.name());
      return usageError(path, 'a command is missing', `One of: ${names.join(', ')}. See: ${path} --help`);
    }
    case 'commander.unknownOption':
      return usageError(quoted, `is not a flag of \`${path}\``, mend);
    case 'commander.unknownCommand':
      return usageError(quoted, `is not a command of \`${path}\``, mend);
    case 'commander.missingArgument':
      return usageError(quoted, 'is missing', mend);
    case 'commander.optionMissingArgument':
      return usageError(quoted, 'needs a value', mend);
    default:
      return usageError(path, summary.replace(/\.$/, ''), mend);
  }
}
