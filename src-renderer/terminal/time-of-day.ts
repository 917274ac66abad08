/** `09:24:32.123`, local. Lines that came in one read have one time: it is asked for again and again. */
let last = { timeUs: -1, text: '' };

export function timeOfDay(timeUs: number): string {
  if (last.timeUs !== timeUs) {
    const date = new Date(timeUs / 1000);
    const padded = (number: number, digits: number) => String(number).padStart(digits, '0');
    const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => padded(part, 2));
    last = { timeUs, text: `${clock.join(':')}.${padded(date.getMilliseconds(), 3)}` };
  }
  return last.text;
}
