/** The security levels of ADR-009; 0 is no filter at all. */
import type { Profile } from './profile.ts';
import { LEVEL_1 } from './profiles/level-1.ts';
import { LEVEL_2 } from './profiles/level-2.ts';
import { LEVEL_3 } from './profiles/level-3.ts';

export const PROFILES: readonly Profile[] = [LEVEL_1, LEVEL_2, LEVEL_3];

/** @throws RangeError when there is no such level. */
export function profileOf(level: number): Profile {
  const profile = PROFILES.find((each) => each.level === level);
  if (profile === undefined) {
    throw new RangeError(`there is no security level ${level}`);
  }
  return profile;
}
