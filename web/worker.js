// Runs in a worker: a decoder for each file, one request at a time.
import { bitmapOf, coloursOf } from "./colours.js";
import { BytesReader, Decoder, PiecesReader } from "./decoder.js";
import { kindOf, SmartSplatError } from "./errors.js";

/**
 * Where a file is from: all of it is a Blob, or parts come with each call, and its front with this.
 *
 * @typedef {{module: WebAssembly.Module, file?: Blob, size?: number, front?: Uint8Array, profile?: Uint8Array,
 *     memory: number}} Source
 */

/** A file and the decoder that has it open. */
class OpenFile {
  /** @type {Decoder | null} */
  #decoder = null;
  /** @type {Promise<import("./colours.js").Colours> | null} */
  #colours = null;

  /** @param {Source} source */
  constructor(source) {
    this.source = source;
  }

  /** With the parts of the file that have been fetched for a call, if it is read so. */
  async decoder(pieces) {
    if (!this.#decoder || this.#decoder.broken) {
      this.#decoder = null; // before the next one takes memory
      const { module, file, size, front, memory } = this.source;
      const reader = file ? new BytesReader(await file.arrayBuffer()) : new PiecesReader(size, front);
      this.#decoder = new Decoder(module, reader, { memory });
    }
    if (pieces) this.#decoder.reader.pieces = pieces;
    return this.#decoder;
  }

  get colours() {
    return (this.#colours ??= this.#profile().then(coloursOf));
  }

  /** The packed ICC profile, null if there is none. */
  async #profile() {
    const { file, profile } = this.source;
    if (profile || !file) return profile ?? null;
    const { icc } = (await this.decoder()).info;
    if (!icc) return null;
    return new Uint8Array(await file.slice(icc.offset, icc.offset + icc.size).arrayBuffer());
  }
}

/** @type {Map<number, OpenFile>} */
const files = new Map();

const calls = {
  /** What a whole file says of itself; whoever fetches parts knows already. */
  async open(file) {
    return [file.source.file ? (await file.decoder()).info : null];
  },

  async render(file, { region, scale, size, draft, maxPixels, bitmap, pieces }) {
    const decoder = await file.decoder(pieces);
    const { width, height, pixels } = decoder.render(region, { scale, size, draft, maxPixels });
    if (!bitmap) return [{ width, height, pixels }, [pixels.buffer]];
    const made = await bitmapOf(pixels, width, height, await file.colours);
    return [made, [made]];
  },

  async splats(file, { pieces }) {
    const rows = (await file.decoder(pieces)).splats();
    return [rows, [rows.buffer]];
  },
};

self.postMessage({}); // here it is
self.onmessage = async ({ data: { call, file, given, source } }) => {
  try {
    if (source) files.set(file, new OpenFile(source));
    const [result, transferred] = await calls[call](files.get(file), given);
    self.postMessage({ result }, transferred ?? []);
  } catch (error) {
    const text = error instanceof SmartSplatError ? error.message : `The picture could not be made: ${error}.`;
    self.postMessage({ error: { kind: kindOf(error), text } });
  }
};
