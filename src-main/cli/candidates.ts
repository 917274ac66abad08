/** What may stand next in a half-typed command line: the part of completion that needs no helper. */
import { Command, type Option } from 'commander';
import type { GlobalFlags, OperandKind } from './cli.ts';
import type { CommandTree } from './command-tree.ts';
import { withGlobalFlags } from './program.ts';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

export interface Completion {
  readonly candidates: readonly Candidate[];
  /** Jobs to ask the helper for, and how to reach it. */
  readonly jobs?: { readonly kind: OperandKind & string; readonly globals: GlobalFlags };
  /** A path may stand here. */
  readonly files?: true;
}

const NOTHING: Completion = { candidates: [] };
const FILES: Completion = { candidates: [], files: true };

/**
 * @param words the command line without the program; the last word is the one being typed, perhaps empty. Bash splits
 *   `--flag=value` into three words, other shells do not; both are understood.
 */
export async function completionOf(words: readonly string[], tree: CommandTree): Promise<Completion> {
  const walk = new Walk(tree);
  for (const word of words.slice(0, -1)) {
    await walk.step(word);
  }
  const typed = words.at(-1) ?? '';
  const completion = walk.next(typed);
  const prefix = typed === '=' ? '' : typed;
  return { ...completion, candidates: completion.candidates.filter(({ value }) => value.startsWith(prefix)) };
}

/** Where in the tree the words so far have led. */
class Walk {
  #tree: CommandTree | undefined;
  #command = withGlobalFlags(new Command());
  #operand: OperandKind | undefined;
  #operandsSeen = 0;
  /** A flag whose value is the next word. */
  #pending: Option | undefined;
  readonly #globals: { config?: string; node?: string; root: string; json: boolean } = {
    root: '/',
    json: false,
  };

  constructor(tree: CommandTree) {
    this.#tree = tree;
  }

  async step(word: string): Promise<void> {
    if (this.#pending !== undefined) {
      if (word !== '=') {
        this.#remember(this.#pending, word);
        this.#pending = undefined;
      }
    } else if (word.startsWith('-')) {
      this.#flag(word);
    } else if (this.#tree === undefined) {
      this.#operandsSeen += 1;
    } else {
      await this.#enter(this.#tree, word);
    }
  }

  next(typed: string): Completion {
    if (this.#pending !== undefined) {
      return valuesOf(this.#pending);
    }
    if (this.#tree !== undefined && !typed.startsWith('-')) {
      return { candidates: namesOf(this.#tree) };
    }
    const [argument] = this.#command.registeredArguments;
    if (this.#operandsSeen > 0) {
      return argument?.variadic ? FILES : NOTHING;
    }
    return typed.startsWith('-') ? { candidates: flagsOf(this.#command) } : this.#operands();
  }

  #flag(word: string): void {
    const [name, value] = word.split(/=(.*)/s);
    const option = this.#command.options.find((each) => each.short === name || each.long === name);
    if (option?.required && value === undefined) {
      this.#pending = option;
    } else if (option !== undefined && value !== undefined) {
      this.#remember(option, value);
    }
  }

  #remember(option: Option, value: string): void {
    const name = option.attributeName();
    if (name === 'config' || name === 'node' || name === 'root') {
      this.#globals[name] = value;
    }
  }

  async #enter(tree: CommandTree, name: string): Promise<void> {
    const entry = Object.hasOwn(tree, name) ? tree[name] : undefined;
    this.#tree = entry !== undefined && 'commands' in entry ? entry.commands : undefined;
    if (entry !== undefined && 'load' in entry) {
      const { command } = await entry.load();
      this.#command = withGlobalFlags(new Command());
      command.declare(this.#command);
      this.#operand = command.operand;
    }
  }

  #operands(): Completion {
    const kind = this.#operand;
    if (kind === undefined) {
      return NOTHING;
    }
    if (typeof kind !== 'string') {
      return { candidates: kind.map((value) => ({ value, description: '' })) };
    }
    return kind === 'file' ? FILES : { candidates: [], jobs: { kind, globals: this.#globals } };
  }
}

function namesOf(tree: CommandTree): Candidate[] {
  return Object.entries(tree)
    .filter(([, entry]) => !('hidden' in entry && entry.hidden))
    .map(([value, { description }]) => ({ value, description }));
}

function flagsOf(command: Command): Candidate[] {
  return command.options
    .filter(({ hidden, long }) => !hidden && long !== undefined)
    .map(({ long, description }) => ({ value: long ?? '', description }));
}

/** A flag that takes a path says so in its name for the value. */
function valuesOf({ argChoices, flags }: Option): Completion {
  if (argChoices !== undefined) {
    return { candidates: argChoices.map((value) => ({ value, description: '' })) };
  }
  return /<(path|directory)>/.test(flags) ? FILES : NOTHING;
}
