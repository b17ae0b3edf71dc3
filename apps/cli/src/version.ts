import packageJson from '../package.json' with { type: 'json' };

/** Of the clicklake command and everything it starts. */
export const version: string = packageJson.version;
