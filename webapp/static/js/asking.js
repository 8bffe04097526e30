// Asking for something again and again: one question at a time, and whatever happens during it asks
// for exactly one more.

import { delay } from "./stream.js";

const BREATH = 250; // milliseconds; the longest rest between two answers

export class Asker {
  #due = false;
  #open = null; // breaks off the question that is open
  #retry = 0;
  #tries = 0;

  /**
   * @param ask asks once, and takes the answer; given a signal that breaks it off
   * @param failed told why there was no answer; it is tried again
   * @param rest milliseconds between two answers; where not given, as long as the last one took
   */
  constructor(ask, failed, rest) {
    Object.assign(this, { ask, failed, rest });
  }

  /** Whether something is not answered yet. */
  get busy() {
    return this.#due || this.#open !== null;
  }

  /** Ask now, or after the answer that is on its way. */
  want() {
    this.#due = true;
    if (!this.#open) this.#work();
  }

  stop() {
    clearTimeout(this.#retry);
    this.#open?.abort();
    this.#open = null;
  }

  async #work() {
    clearTimeout(this.#retry);
    const mine = (this.#open = new AbortController());
    try {
      while (this.#due && this.#open === mine) await this.#once(mine.signal);
    } catch (error) {
      if (this.#open === mine) this.#fail(error);
    }
    if (this.#open === mine) this.#open = null;
  }

  async #once(signal) {
    this.#due = false;
    const began = performance.now();
    await this.ask(signal);
    this.#tries = 0;
    const took = Math.min(performance.now() - began, BREATH);
    if (this.#due) await new Promise((done) => setTimeout(done, this.rest ?? took));
  }

  #fail(error) {
    this.#due = true;
    this.#retry = setTimeout(() => this.want(), delay(this.#tries++));
    this.failed(error);
  }
}
