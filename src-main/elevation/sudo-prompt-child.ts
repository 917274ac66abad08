/**
 * Asks the desktop's password prompt to run one fixed path. A program of its own, since `@vscode/sudo-prompt` puts its current
 * folder into a shell command, and pkexec walks up to the open-file limit: graphical-prompt.ts gives it `/` and a small limit.
 */
import sudoPrompt from '@vscode/sudo-prompt';
import { ELEVATED_PROGRAM } from './graphical-prompt.ts';

sudoPrompt.exec(ELEVATED_PROGRAM, { name: 'Joblet' }, (error, _stdout, stderr) => {
  if (error) {
    process.stderr.write(`${error.message}\n${stderr ?? ''}`);
    process.exitCode = 1;
  }
});
