/** The way of every command to the helper. */
import { type Client, connect } from '../client/index.ts';
import type { Invocation } from './cli.ts';

export type { Client };
