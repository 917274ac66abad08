/**
 * The helper lives as long as the machine and does little at a time: V8 is told to keep the heap small before anything
 * is loaded, in place of trading memory for speed as it does for a busy server. Measured by the `idle` bench.
 */
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--optimize-for-size');
/** MiB. */
setFlagsFromString('--max-semi-space-size=1');
