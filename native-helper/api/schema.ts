/**
 * zod, as every schema of the project uses it: the small build, which a short command loads in a third of the time, with the
 * English messages that the small build leaves out.
 */
import { en } from 'zod/locales';
import { config } from 'zod/mini';

export * from 'zod/mini';

config(en());
