import { compileProbes } from './probes.ts';

export default compileProbes;
