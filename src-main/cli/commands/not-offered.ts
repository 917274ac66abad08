import { JobletError } from '../../../native-helper/api/errors.ts';
import type { CommandModule } from '../cli.ts';

/** A command that exists in Joblet's interface and not in this version: any arguments, one answer. */
export function notOfferedCommand(name: string, mend: string): { readonly command: CommandModule } {
  const command: CommandModule = {
    declare: (declared) => {
      declared.argument('[words...]').allowUnknownOption();
    },
    run: async () => {
      throw new JobletError('refused', {
        layer: '',
        operation: '',
        object: name,
        reason: 'this version does not offer it yet',
        mend,
      });
    },
  };
  return { command };
}
