import { describe, expect, it } from 'vitest';
import { pathsUnder } from '../../native-helper/api/paths.ts';
import { placesOfConfig, type Surroundings } from './discovery.ts';

const surroundings: Surroundings = {
  environment: {},
  currentDirectory: '/work/here',
  homeDirectory: '/home/ada',
  uid: 1000,
};
const places = (config: string | undefined, root = '/', change: Partial<Surroundings> = {}) =>
  placesOfConfig(config, pathsUnder(root), { ...surroundings, ...change });

describe('placesOfConfig', () => {
  it("are those of Joblet's interface in their order, then the helper's own", () => {
    expect(places(undefined)).toEqual([
      '/work/here/rnx-config.yml',
      '/work/here/config/rnx-config.yml',
      '/home/ada/.joblet/config.yml',
      '/home/ada/.rnx/rnx-config.yml',
      '/etc/joblet/rnx-config.yml',
      '/etc/joblet/clients/1000.yml',
    ]);
  });
  it('are only the one that was given', () => {
    expect(places('my.yml', '/', { environment: { RNX_CONFIG: '/else' } })).toEqual(['/work/here/my.yml']);
  });
  it('are only the one that the environment names', () => {
    expect(places(undefined, '/', { environment: { RNX_CONFIG: '/else.yml' } })).toEqual(['/else.yml']);
    expect(places(undefined, '/', { environment: { RNX_CONFIG: '' } })).toHaveLength(6);
  });
  it('lie under a root of its own', () => {
    expect(places(undefined, '/srv/j', { environment: { RNX_CONFIG: '/else.yml' } })).toEqual([
      '/srv/j/etc/joblet/rnx-config.yml',
      '/srv/j/etc/joblet/clients/1000.yml',
    ]);
  });
});
