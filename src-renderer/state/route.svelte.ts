/** Which page is shown, and the way back. */
import type { CheckedJobSpec } from './job-spec.ts';

export type Route =
  | { readonly page: 'jobs' }
  | { readonly page: 'job'; readonly uuid: string }
  /** With what the form begins; absent: empty. */
  | { readonly page: 'new'; readonly spec?: CheckedJobSpec }
  | { readonly page: 'resources' }
  | { readonly page: 'machine' }
  | { readonly page: 'doctor' }
  | { readonly page: 'settings' }
  | { readonly page: 'gallery' };

export type PageName = Route['page'];

const HISTORY_MAXIMUM = 50;

class Router {
  current = $state.raw<Route>({ page: 'jobs' });
  #past: readonly Route[] = [];

  go(route: Route): void {
    this.#past = [...this.#past.slice(-HISTORY_MAXIMUM), this.current];
    this.current = route;
  }

  /** To the jobs where there is no page before. */
  back(): void {
    this.current = this.#past.at(-1) ?? { page: 'jobs' };
    this.#past = this.#past.slice(0, -1);
  }
}

export const router = new Router();
