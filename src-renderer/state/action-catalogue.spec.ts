import { describe, expect, it } from 'vitest';
import { ACTION_GROUPS, type Action, type ActionId, keyOf, rivalOf } from './action-catalogue.ts';

const all = ACTION_GROUPS.flatMap(({ actions }) => actions);
const actionOf = (id: ActionId) => all.find((action) => action.id === id) as Action;
const rivalIdOf = (id: ActionId, keys = {}) => rivalOf(actionOf(id), keys)?.id;

describe('the key of an action', () => {
  it('is the usual one until another is set, which may be none', () => {
    expect(keyOf('jobs.stop', {})).toBe('S');
    expect(keyOf('jobs.stop', { 'jobs.stop': 'X' })).toBe('X');
    expect(keyOf('jobs.stop', { 'jobs.stop': '' })).toBe('');
    expect(keyOf('jobs.stop', { 'an.action.of.old': 'X' })).toBe('S');
  });
});

describe('a rival', () => {
  it('is known of no action as they come, and no two have one id', () => {
    expect(all.filter((action) => rivalOf(action, {}))).toEqual([]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  it('has the same key on the same page, or is everywhere', () => {
    const keys = { 'job.details': 'S', 'output.follow': 'Ctrl+K' };
    expect(rivalIdOf('job.details', keys)).toBe('job.stop');
    expect(rivalIdOf('job.stop', keys)).toBe('job.details');
    expect(rivalIdOf('palette', keys)).toBe('output.follow');
    expect(rivalIdOf('output.follow', keys)).toBe('palette');
  });

  it('is none on another page, nor among those that have no key', () => {
    expect(keyOf('jobs.stop', {})).toBe(keyOf('job.stop', {}));
    expect(rivalIdOf('jobs.stop', { 'job.details': 'S' })).toBeUndefined();
    expect(rivalIdOf('theme', { 'jobs.stop': '' })).toBeUndefined();
  });
});
