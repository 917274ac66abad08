import packageJson from '../../package.json' with { type: 'json' };

/** The version of this build, the same for command, helper and app. */
export const VERSION: string = packageJson.version;
