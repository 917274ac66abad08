/** How the text of one stream looks at the moment: what SGR and OSC 8 have set and not taken back. */

/** Attributes that stand in each other's way have one place. Blinking (5, 6) and hidden text (8) are left out: they hide. */
const PLACES: readonly (readonly [place: string, code: RegExp, off: string])[] = [
  ['weight', /^[12]$/, '22'],
  ['italic', /^3$/, '23'],
  ['underline', /^(4|21)$/, '24'],
  ['inverse', /^7$/, '27'],
  ['strike', /^9$/, '29'],
  ['overline', /^53$/, '55'],
  ['ink', /^(3[0-7]|9[0-7])$/, '39'],
  ['ground', /^(4[0-7]|10[0-7])$/, '49'],
  ['line', /^$/, '59'],
];
const UNDERLINE_FORM = /^4:[0-5]$/;
/** `38`, `48`, `58` begin a colour: `5;n` or `2;r;g;b`. */
const COLOUR_PLACES: Readonly<Record<string, string>> = { '38': 'ink', '48': 'ground', '58': 'line' };
const COLON_COLOUR = /^(38|48|58):(5:\d{1,3}|2:(\d{0,3}:)?\d{1,3}:\d{1,3}:\d{1,3})$/;
const WEB_ADDRESS = /^https?:\/\/[\x21-\x7e]{1,2048}$/;

export class TextStyle {
  readonly #set = new Map<string, string>();
  #address = '';

  /**
   * @param parameters of an SGR sequence, such as `1;31`
   * @returns the sequence with what is understood of it; empty when that is nothing
   */
  applySgr(parameters: string): string {
    const codes = parameters.split(';').map((code) => code.replace(/^0+(?=.)/, ''));
    const taken: string[] = [];
    for (let at = 0; at < codes.length; ) {
      const { length, text } = this.#applyCode(codes, at);
      if (text !== '') {
        taken.push(text);
      }
      at += length;
    }
    return taken.length === 0 ? '' : `\x1b[${taken.join(';')}m`;
  }

  /**
   * @param content of an OSC 8 sequence after `8;`
   * @returns the sequence; empty when it leads to anything but the web
   */
  applyLink(content: string): string {
    const address = content.slice(content.indexOf(';') + 1);
    if (address !== '' && !WEB_ADDRESS.test(address)) {
      return '';
    }
    this.#address = address;
    return linkSequence(address);
  }

  /** From any other style to this one. */
  get restoring(): string {
    return `\x1b[${['0', ...this.#set.values()].join(';')}m${linkSequence(this.#address)}`;
  }

  #applyCode(codes: readonly string[], at: number): { readonly length: number; readonly text: string } {
    const code = codes[at] ?? '';
    if (code === '' || code === '0') {
      this.#set.clear();
      return { length: 1, text: '0' };
    }
    const colourPlace = COLOUR_PLACES[code];
    if (colourPlace !== undefined) {
      const length = codes[at + 1] === '2' ? 5 : 3;
      const colour = codes.slice(at, at + length);
      const isWhole = colour.length === length && colour.every((part) => /^\d{1,3}$/.test(part));
      return { length, text: isWhole ? this.#put(colourPlace, colour.join(';')) : '' };
    }
    const place = COLON_COLOUR.test(code)
      ? COLOUR_PLACES[code.slice(0, 2)]
      : UNDERLINE_FORM.test(code)
        ? 'underline'
        : PLACES.find(([, pattern]) => pattern.test(code))?.[0];
    if (place !== undefined) {
      return { length: 1, text: this.#put(place, code) };
    }
    const ended = PLACES.find(([, , off]) => off === code)?.[0];
    if (ended === undefined) {
      return { length: 1, text: '' };
    }
    this.#set.delete(ended);
    return { length: 1, text: code };
  }

  #put(place: string, text: string): string {
    this.#set.set(place, text);
    return text;
  }
}

function linkSequence(address: string): string {
  return `\x1b]8;;${address}\x1b\\`;
}
