// A file on a server that gives parts of it: what was fetched last is kept, and nothing is fetched twice at once.
import { NetworkError } from "./errors.js";
import { follow } from "./signals.js";

const GAP = 16384; // bytes that are better fetched in vain than asked for around
const KEPT = 32 << 20; // bytes

/** A fetch that is under way, and how many wait for it. */
class Fetch {
  /** Whether nobody waits any more. */
  over = false;
  #controller = new AbortController();
  #waiting = 0;

  constructor(start) {
    this.done = start(this.#controller.signal);
    this.done.catch(() => {}); // those who wait hear of it
  }

  /** @param {AbortSignal} [signal] of who waits; when the last one gives up the fetch is called off */
  async wait(signal) {
    this.#waiting += 1;
    const leave = () => {
      this.#waiting -= 1;
      if (this.#waiting > 0) return;
      this.over = true;
      this.#controller.abort(signal.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await this.done;
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }
}

export class RangedFile {
  /** Bytes that were fetched so far. */
  fetched;
  /** @type {Map<number, Uint8Array>} by their offset; those that were used last at the end */
  #kept = new Map();
  #bytes = 0;
  /** @type {Map<number, Fetch>} by the offset of each piece that it brings */
  #coming = new Map();
  #closed = new AbortController();

  /**
   * @param {string} url
   * @param {number} size of the file
   * @param {Uint8Array} front its first bytes, which have been fetched
   */
  constructor(url, size, front) {
    this.url = url;
    this.size = size;
    this.front = front;
    this.fetched = front.length;
  }

  /**
   * Pieces of the file.
   *
   * @param {{offset: number, size: number}[]} wanted in order; those in the front are left out of the result
   * @param {AbortSignal} [signal]
   * @returns {Promise<{offset: number, bytes: Uint8Array}[]>}
   */
  async pieces(wanted, signal) {
    signal?.throwIfAborted();
    const outside = wanted.filter(({ offset, size }) => offset + size > this.front.length);
    const missing = outside.filter(({ offset }) => !this.#kept.has(offset) && this.#coming.get(offset)?.over !== false);
    for (const group of grouped(missing)) this.#start(group);
    const here = new Map(outside.map(({ offset }) => [offset, this.#kept.get(offset)]));
    const fetches = new Set(outside.filter(({ offset }) => !here.get(offset)).map(({ offset }) => this.#coming.get(offset)));
    for (const found of await Promise.all([...fetches].map((fetch) => fetch.wait(signal)))) {
      for (const { offset, bytes } of found) here.set(offset, bytes);
    }
    signal?.throwIfAborted();
    return outside.map(({ offset }) => this.#use(offset, here.get(offset)));
  }

  /** The bytes of one range. */
  async bytes({ offset, size }, signal) {
    const here = this.front.slice(offset, offset + size);
    return here.length === size ? here : (await this.pieces([{ offset, size }], signal))[0].bytes;
  }

  /** Makes the front at least that long, for a file whose header and index are. */
  async extend(length, signal) {
    const end = Math.min(length, this.size);
    if (end <= this.front.length) throw new NetworkError("The file ends too early.");
    const more = await this.#fetch(this.front.length, end - this.front.length, signal);
    const front = new Uint8Array(end);
    front.set(this.front);
    front.set(more, this.front.length);
    this.front = front;
  }

  /** All of the file. */
  async all(signal) {
    const bytes = await this.#fetch(0, this.size, signal);
    return [{ offset: 0, bytes }];
  }

  /** Calls off all that is being fetched, with that reason. */
  close(reason) {
    this.#closed.abort(reason);
  }

  #use(offset, bytes) {
    if (this.#kept.delete(offset)) this.#kept.set(offset, bytes);
    return { offset, bytes };
  }

  #start(group) {
    const fetch = new Fetch((signal) => this.#bring(group, signal));
    for (const { offset } of group) this.#coming.set(offset, fetch);
    const end = () => {
      for (const { offset } of group) if (this.#coming.get(offset) === fetch) this.#coming.delete(offset);
    };
    fetch.done.then(end, end);
  }

  async #bring(group, signal) {
    const first = group[0].offset;
    const last = group[group.length - 1];
    const all = await this.#fetch(first, last.offset + last.size - first, signal);
    const pieces = group.map(({ offset, size }) => ({
      offset,
      bytes: all.slice(offset - first, offset - first + size),
    }));
    for (const { offset, bytes } of pieces) this.#keep(offset, bytes);
    return pieces;
  }

  #keep(offset, bytes) {
    this.#kept.set(offset, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= KEPT) return;
      this.#kept.delete(oldest);
      this.#bytes -= old.length;
    }
  }

  async #fetch(offset, size, signal) {
    const stopper = new AbortController();
    const leaves = [signal, this.#closed.signal].map((other) => follow(stopper, other));
    try {
      stopper.signal.throwIfAborted();
      const bytes = await this.#answer(`bytes=${offset}-${offset + size - 1}`, stopper.signal);
      this.fetched += bytes.byteLength;
      return this.#cut(new Uint8Array(bytes), offset, size);
    } finally {
      for (const leave of leaves) leave();
    }
  }

  async #answer(range, signal) {
    let status = 0;
    try {
      // Past the browser's cache, which lets parts of one address wait for each other; what was fetched is kept here.
      const answer = await fetch(this.url, { headers: { Range: range }, signal, cache: "no-store" });
      status = answer.status;
      if (!answer.ok) throw new Error(`the server said ${status}`);
      return await answer.arrayBuffer();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const text = `A part of the file could not be fetched: ${error.message}.`;
      throw Object.assign(new NetworkError(text, { cause: error }), { status });
    }
  }

  /** A server may give all of the file whatever it is asked for, and the file may have changed. */
  #cut(bytes, offset, size) {
    if (bytes.length === size) return bytes;
    if (bytes.length === this.size) return bytes.slice(offset, offset + size);
    throw new NetworkError("The file on the server has changed since it was opened.");
  }
}

/** Ranges that are fetched together, since little lies between them. */
function grouped(wanted) {
  const groups = [];
  let end = -Infinity;
  for (const range of wanted) {
    if (range.offset - end <= GAP) groups[groups.length - 1].push(range);
    else groups.push([range]);
    end = range.offset + range.size;
  }
  return groups;
}
