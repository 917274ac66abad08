import { describe, expect, it } from 'vitest';
import { isForeignLine } from './pasted.ts';

describe('isForeignLine', () => {
  it.each([
    'joblet job run --max-memory=512 -- make',
    '$ sudo docker run --rm alpine true',
    'DOCKER_HOST=x /usr/bin/docker run alpine true',
    'rnx --json job run make',
    'podman container run alpine true',
    '\n  docker run \\\n  -m 512m alpine true',
  ])('knows %j', (line) => {
    expect(isForeignLine(line)).toBe(true);
  });

  it.each(['make docker run', 'docker build .', 'joblet job list', 'docker', 'dockerize run x', ''])(
    'leaves %j alone',
    (line) => {
      expect(isForeignLine(line)).toBe(false);
    },
  );
});
