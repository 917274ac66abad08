/**
 * Asks the desktop's password prompt to run one fixed path. A program of its own, since `@vscode/sudo-prompt` puts its current
 * folder into a shell command, and pkexec walks up to the open-file limit: graphical-prompt.ts gives it `/` and a small limit.
 */
import sudoPrompt from '@vscode/sudo-prompt';
import { ELEVATED_PROGRAM } from './graphical-prompt.ts';

// A prompt that outlived who asked would start the helper for nobody. The group is ours; root's part of it can't be killed.
process.stdin.on('end', () => process.kill(-process.pid, 'SIGKILL')).resume();

sudoPrompt.exec(ELEVATED_PROGRAM, { name: 'Joblet' }, (error, _stdout, stderr) => {
  if (error) {
    // Further lines of the message are the command and what stands in `stderr`.
    process.stderr.write(`${error.message.split('\n', 1)[0]}\n${stderr ?? ''}`);
  }
  process.exitCode = error ? 1 : 0;
  process.stdin.destroy();
});
