import { Argument, type Command } from 'commander';
import type { CommandModule, Invocation } from '../cli.ts';
import { ExitCode } from '../errors.ts';

type Shell = 'bash' | 'zsh' | 'fish';

const SHELLS: readonly Shell[] = ['bash', 'zsh', 'fish'];

/**
 * Every script asks `PROGRAM __complete -- WORDS` for candidates: one a line, a tab before its description, and the
 * line `:files` where a path may stand.
 */
const SCRIPTS: Readonly<Record<Shell, (program: string) => string>> = {
  bash: (program) => `# bash completion of ${program}; load it with: source <(${program} completion bash)
_${program}_complete() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _${program}_complete ${program}
`,
  zsh: (program) => `#compdef ${program}
# zsh completion of ${program}; load it with: source <(${program} completion zsh)
_${program}() {
  local line files=0
  local -a candidates
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      files=1
    else
      line=\${line//:/\\\\:}
      candidates+=("\${line/$'\\t'/:}")
    fi
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe '${program}' candidates
  (( files )) && _files
}
compdef _${program} ${program}
`,
  fish: (program) => `# fish completion of ${program}; load it with: ${program} completion fish | source
function __${program}_complete
    set -l words (commandline -opc) (commandline -ct)
    command $words[1] __complete -- $words[2..] 2>/dev/null
end
complete -c ${program} -f -a '(__${program}_complete | string match -v ":files")'
complete -c ${program} -n '__${program}_complete | string match -q ":files"' -F
`,
};

function declare(command: Command): void {
  command.addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(SHELLS));
}

async function run({ cli, operands }: Invocation<object>): Promise<number> {
  const [shell] = operands as readonly [Shell];
  await cli.stdout.write(SCRIPTS[shell](cli.programName));
  return ExitCode.success;
}

export const command: CommandModule = { declare, run, operand: SHELLS };
