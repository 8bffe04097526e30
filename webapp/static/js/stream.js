// The stream of changes: opened from a token, and opened again until it is closed on purpose.

const SILENCE = 5000; // milliseconds; the server says something once a second
const LONGEST = 15_000; // milliseconds between two tries
const KINDS = ["changes", "alive", "reset", "down"];

export class Stream {
  #source = null;
  #timer = 0;
  #silence = 0;
  #tries = 0;

  /**
   * @param token up to where the page knows the ledger
   * @param heard told each event: its kind and its data
   * @param lost told that the stream broke, and whether the server refused it
   */
  constructor(token, heard, lost) {
    Object.assign(this, { token, heard, lost });
  }

  /** Open it now, whenever the next try was due. */
  open() {
    this.#tries = 0;
    this.#connect();
  }

  #connect() {
    this.close();
    this.#source = new EventSource(`/changes?since=${encodeURIComponent(this.token)}`);
    this.#source.onerror = () => this.#broke(this.#source.readyState === EventSource.CLOSED);
    for (const kind of KINDS) {
      this.#source.addEventListener(kind, (event) => this.#hear(kind, event));
    }
    this.#listen();
  }

  close() {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  #hear(kind, event) {
    this.token = event.lastEventId || this.token;
    this.#tries = 0;
    this.#listen();
    this.heard(kind, JSON.parse(event.data));
  }

  /** A connection can die without a word. */
  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#broke(false), SILENCE);
  }

  /** The browser would try again by itself, but not after an answer other than 200. */
  #broke(refused) {
    this.close();
    this.#timer = setTimeout(() => this.#connect(), delay(this.#tries++));
    this.lost(refused);
  }
}

/** Milliseconds to wait before another try: 1, 2, 4 … 15 s, and not everybody at once. */
export function delay(tries) {
  const whole = Math.min(1000 * 2 ** tries, LONGEST);
  return whole / 2 + (Math.random() * whole) / 2;
}
