// One instance of the decoder: the other side of native/wasm/face.cpp. Runs anywhere that has WebAssembly.
import { DecoderError, errorOf, SmartSplatError } from "./errors.js";

const PAGE = 65536; // bytes
const FIRST_PAGES = 64;
const MOST_PAGES = 32768; // GREATEST_MEMORY of native/wasm/build.py
const RGBA8 = 2; // smartsplat_format
const BYTES = 4; // of a pixel
const ICC = 0; // smartsplat_metadata_kind
const OVERVIEW = 5;
const INFO = ["width", "height", "channels", "latticeSpacing", "splats", "bytes", "bits", "alpha"];
const PARAMETERS = 8; // floats of a splat
const KEPT = 64 << 20; // bytes of decoded parts

/** What a file needs to be read by: `read(offset, count)` gives that many bytes, at once. */
export class BytesReader {
  /** @param {ArrayBuffer} buffer */
  constructor(buffer) {
    this.size = buffer.byteLength;
    this.buffer = buffer;
  }

  /**
   * @param {number} offset
   * @param {number} count
   * @returns {Uint8Array}
   */
  read(offset, count) {
    return new Uint8Array(this.buffer, offset, count);
  }
}

/** What a reader has not; `end` is the last byte that was asked for, and one. */
export class MissingError extends DecoderError {
  constructor(message, end) {
    super(message);
    this.end = end;
  }
}

/** Parts of a file that has been fetched: from `pieces`, each with an `offset` and `bytes`, and its beginning. */
export class PiecesReader {
  pieces = [];

  /**
   * @param {number} size of the file
   * @param {Uint8Array} front its first bytes
   */
  constructor(size, front) {
    this.size = size;
    this.front = { offset: 0, bytes: front };
  }

  /**
   * @param {number} offset
   * @param {number} count
   * @returns {Uint8Array}
   */
  read(offset, count) {
    const found = new Uint8Array(count);
    for (let done = 0; done < count; ) {
      const part = this.#from(offset + done, offset + count).subarray(0, count - done);
      found.set(part, done);
      done += part.length;
    }
    return found;
  }

  /** What there is from an offset on. */
  #from(offset, end) {
    for (const piece of [this.front, ...this.pieces]) {
      const skipped = offset - piece.offset;
      if (skipped >= 0 && skipped < piece.bytes.length) return piece.bytes.subarray(skipped);
    }
    throw new MissingError(`The file's bytes from ${offset} on have not been fetched.`, end);
  }
}

/** A file that is open in an instance of its own. One that threw must be thrown away: see `broken`. */
export class Decoder {
  /** Whether a call failed; every further one would. */
  broken = false;

  /**
   * Opens a file.
   *
   * @param {WebAssembly.Module} module the decoder
   * @param {BytesReader | PiecesReader} reader of the file; the first is not needed any more afterwards
   * @param {{memory: number}} limits bytes that it may take
   */
  constructor(module, reader, { memory }) {
    const maximum = Math.min(Math.max(Math.ceil(memory / PAGE), FIRST_PAGES), MOST_PAGES);
    this.pages = new WebAssembly.Memory({ initial: FIRST_PAGES, maximum });
    this.reader = reader;
    this.calls = new WebAssembly.Instance(module, this.#imports()).exports;
    this.#run(() => this.calls._initialize());
    const ranges = reader instanceof PiecesReader;
    this.file = this.#run(() => (ranges ? this.calls.open_ranges : this.calls.open)(reader.size));
    if (!ranges) this.reader = null;
    else this.#run(() => this.calls.keep(this.file, Math.min(KEPT, memory / 8)));
    const info = this.#numbers(INFO, this.calls.describe);
    const parts = { icc: this.#metadata(ICC), overview: this.#metadata(OVERVIEW) };
    this.info = { ...info, alpha: info.alpha === 1, ...parts };
  }

  /**
   * Decodes a part.
   *
   * @param {{x: number, y: number, width: number, height: number}} region px of the picture
   * @param {{scale?: number, size?: {width: number, height: number}, draft?: boolean | "sketch",
   *     maxPixels: number}} wanted
   * @returns {{width: number, height: number, pixels: Uint8ClampedArray}} RGBA
   */
  render(region, { maxPixels, ...wanted }) {
    return this.#run(() => {
      const view = this.#view(region, wanted);
      const [columns, rows] = new Int32Array(this.pages.buffer, view, 2);
      const bytes = BYTES * columns * rows;
      if (columns * rows > maxPixels) throw errorOf("limit", `${columns} x ${rows} pixels are more than ${maxPixels}`);
      const address = this.calls.allocate(bytes);
      this.calls.decode(this.file, view, RGBA8, BYTES, address, maxPixels);
      const pixels = new Uint8ClampedArray(this.pages.buffer, address >>> 0, bytes).slice();
      this.calls.release(address);
      this.calls.release(view);
      return { width: columns, height: rows, pixels };
    });
  }

  /**
   * What a part needs of a file that is read by ranges, in order.
   *
   * @param {{x: number, y: number, width: number, height: number}} region
   * @param {{scale?: number, size?: {width: number, height: number}, draft?: boolean | "sketch"}} wanted
   * @returns {{offset: number, size: number}[]}
   */
  ranges(region, wanted) {
    return this.#run(() => {
      const view = this.#view(region, wanted);
      const address = this.calls.ranges(this.file, view) >>> 0;
      const [count] = new Float64Array(this.pages.buffer, address, 1);
      const numbers = new Float64Array(this.pages.buffer, address + 8, 2 * count);
      const found = Array.from({ length: count }, (_, i) => ({ offset: numbers[2 * i], size: numbers[2 * i + 1] }));
      this.calls.release(address);
      this.calls.release(view);
      return found;
    });
  }

  #view({ x, y, width, height }, { scale = 1, size, draft }) {
    const view = size
      ? this.calls.view_of_size(this.file, x, y, width, height, size.width, size.height)
      : this.calls.view_at_scale(this.file, x, y, width, height, scale);
    if (draft) this.calls.draft(view, draft === "sketch" ? 2 : 1);
    return view;
  }

  /**
   * The splats: x, y, both standard deviations [px], angle [radians], red, green, blue (1 is white) of each.
   *
   * @returns {Float32Array}
   */
  splats() {
    return this.#run(() => {
      const address = this.calls.splats(this.file);
      const rows = new Float32Array(this.pages.buffer, address >>> 0, PARAMETERS * this.info.splats).slice();
      this.calls.release(address);
      return rows;
    });
  }

  /**
   * All integers that the streams hold, for tests of a decoder.
   *
   * @returns {Int32Array}
   */
  integers() {
    return this.#run(() => {
      const address = this.calls.integers(this.file) >>> 0;
      const [count] = new Int32Array(this.pages.buffer, address, 1);
      const numbers = new Int32Array(this.pages.buffer, address + 4, count).slice();
      this.calls.release(address);
      return numbers;
    });
  }

  /** Where the file keeps metadata of a kind, null if it has none. */
  #metadata(kind) {
    const range = this.#numbers(["offset", "size"], (file, address) => this.calls.metadata(file, kind, address));
    return range.size > 0 ? range : null;
  }

  /** What a call writes, by names. */
  #numbers(names, call) {
    return this.#run(() => {
      const address = this.calls.allocate(8 * names.length);
      call(this.file, address);
      const numbers = new Float64Array(this.pages.buffer, address >>> 0, names.length).slice();
      this.calls.release(address);
      return Object.fromEntries(names.map((name, i) => [name, numbers[i]]));
    });
  }

  /**
   * @template T
   * @param {() => T} work
   * @returns {T}
   */
  #run(work) {
    if (this.broken) throw new DecoderError("This decoder failed before.");
    try {
      return work();
    } catch (error) {
      this.broken = true;
      if (error instanceof SmartSplatError) throw error;
      throw new DecoderError(`The decoder failed: ${error instanceof Error ? error.message : error}.`, {
        cause: error,
      });
    }
  }

  #imports() {
    return {
      env: { memory: this.pages },
      smartsplat: {
        fail: (kind, text) => {
          throw errorOf(this.#text(kind), this.#text(text));
        },
        read: (offset, address, count) => {
          new Uint8Array(this.pages.buffer, address >>> 0, count).set(this.reader.read(offset, count));
          return 0;
        },
      },
      wasi_snapshot_preview1: {
        clock_time_get: (_clock, _precision, address) => {
          new BigUint64Array(this.pages.buffer, address >>> 0, 1)[0] = BigInt(Math.round(performance.now() * 1e6));
          return 0;
        },
      },
    };
  }

  /** @param {number} address of bytes that end with a zero */
  #text(address) {
    const bytes = new Uint8Array(this.pages.buffer, address >>> 0, 1024);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  }
}
