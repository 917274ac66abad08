/** The time, for what is shown as an age. */
export class Clock {
  /** Microseconds since the epoch. */
  nowUs = $state(Date.now() * 1000);

  /** @returns ends it; what a component's `onMount` returns. */
  run(everyMs = 1000): () => void {
    const timer = setInterval(() => {
      this.nowUs = Date.now() * 1000;
    }, everyMs);
    return () => clearInterval(timer);
  }
}
