// A picture that is open: parts of it at any scale.
import { decoderModule } from "./assets.js";
import { ViewError } from "./errors.js";
import { Pool } from "./pool.js";
import { sourceOf } from "./source.js";

const MEBIBYTE = 1 << 20;
const DEFAULTS = { memory: 1024 * MEBIBYTE, maxBytes: 512 * MEBIBYTE, maxPixels: 64 * MEBIBYTE };

/**
 * Opens a picture.
 *
 * @param {string | URL | Blob | ArrayBuffer | ArrayBufferView} from
 * @param {import("./index.js").OpenOptions} [options]
 * @returns {Promise<Picture>}
 */
export async function open(from, options = {}) {
  const { workers = defaultWorkers(), signal, onprogress } = options;
  const { memory, maxBytes, maxPixels } = { ...DEFAULTS, ...options };
  signal?.throwIfAborted();
  const [module, file] = await Promise.all([decoderModule(), sourceOf(from, { signal, maxBytes, onprogress })]);
  const pool = new Pool({ module, file, memory }, Math.max(1, Math.floor(workers)));
  const stop = () => pool.close();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return new Picture(pool, await pool.open(), maxPixels);
  } catch (error) {
    pool.close();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** One processor is left to the page. */
function defaultWorkers() {
  return Math.min(4, Math.max(1, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1));
}

/** Made by `open`. */
export class Picture {
  #pool;
  #maxPixels;

  constructor(pool, info, maxPixels) {
    this.#pool = pool;
    this.#maxPixels = maxPixels;
    this.info = Object.freeze(info);
  }

  get width() {
    return this.info.width;
  }
  get height() {
    return this.info.height;
  }
  /** Whether it has one channel. */
  get grey() {
    return this.info.channels === 1;
  }
  /** Of the file. */
  get bytes() {
    return this.info.bytes;
  }

  /**
   * Decodes a part.
   *
   * @param {import("./index.js").RenderOptions} [options]
   * @returns {Promise<any>} ImageData, or an ImageBitmap where `as` says so
   */
  async render({ region, scale, size, as = "ImageData", signal } = {}) {
    const part = region ?? { x: 0, y: 0, width: this.width, height: this.height };
    const pixels = this.#checked(part, scale, size);
    const bitmap = as === "ImageBitmap";
    const result = await this.#pool.run(
      "render",
      { region: part, ...pixels, maxPixels: this.#maxPixels, bitmap },
      signal,
    );
    return bitmap ? result : new ImageData(result.pixels, result.width, result.height);
  }

  /**
   * The splats, eight numbers each: x, y, both standard deviations [px], the angle of the first axis [radians], red,
   * green, blue (1 is white; may be negative).
   *
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Float32Array>}
   */
  splats({ signal } = {}) {
    return this.#pool.run("splats", {}, signal);
  }

  /** Ends its workers and frees its memory. */
  close() {
    this.#pool.close();
  }

  /** What is plainly wrong is said here: a decoder that refuses something must be made anew. */
  #checked({ x, y, width, height }, scale, size) {
    if (![x, y, width, height].every(Number.isFinite) || !(Math.min(width, height) > 0)) {
      throw new ViewError(`There is no region ${x}, ${y}, ${width}, ${height}.`);
    }
    const slack = 1e-3 * Math.min(width, height, 1); // a rounding error of the caller's
    if (Math.min(x, y) < -slack || x + width > this.width + slack || y + height > this.height + slack) {
      throw new ViewError(
        `The region ${x}, ${y}, ${width}, ${height} is not within the picture, which is ${this.width} x ${this.height}.`,
      );
    }
    if (size && scale !== undefined) throw new ViewError("A part has a scale or a size, not both.");
    if (!size) {
      if (scale !== undefined && !(scale > 0 && Number.isFinite(scale)))
        throw new ViewError(`There is no scale ${scale}.`);
      return { scale };
    }
    if (![size.width, size.height].every((side) => Number.isInteger(side) && side > 0)) {
      throw new ViewError(`There is no size ${size.width} x ${size.height}.`);
    }
    return { size: { width: size.width, height: size.height } };
  }
}
