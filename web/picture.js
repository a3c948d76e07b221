// A picture that is open: parts of it at any scale.
import { decoderModule } from "./assets.js";
import { Decoder, MissingError, PiecesReader } from "./decoder.js";
import { LimitError, SmartSplatError, ViewError } from "./errors.js";
import { dismissWorkers, Pool, prepareWorkers } from "./pool.js";
import { RangedFile } from "./ranges.js";
import { follow } from "./signals.js";
import { checkBytes, sourceOf } from "./source.js";

const MEBIBYTE = 1 << 20;
const TOLERANCE = 0.05; // by which tiles at a border, of whole pixels, are finer than others
const PLANNING = 64 * MEBIBYTE; // bytes of the decoder that says which parts of a file are needed
const EARLY = 2; // workers that are started while the file is fetched, at most, if all of it is to be seen soon
let openings = 0; // that are under way
const DEFAULTS = { memory: 1024 * MEBIBYTE, maxBytes: 512 * MEBIBYTE, maxPixels: 64 * MEBIBYTE };

/**
 * Opens a picture.
 *
 * @param {string | URL | Blob | ArrayBuffer | ArrayBufferView} from
 * @param {import("./index.js").OpenOptions} [options]
 * @returns {Promise<Picture>}
 */
export async function open(from, options = {}) {
  options.signal?.throwIfAborted();
  const loading = new AbortController(); // also aborted when a part of it fails, for then the others are in vain
  const leave = follow(loading, options.signal);
  const onprogress = (...said) => loading.signal.aborted || options.onprogress?.(...said);
  openings += 1;
  try {
    return await opened(from, { ...options, signal: loading.signal, onprogress });
  } catch (error) {
    loading.abort(error);
    if (openings === 1) dismissWorkers();
    throw loading.signal.reason;
  } finally {
    openings -= 1;
    leave();
  }
}

async function opened(from, options) {
  const { workers = defaultWorkers(), signal } = options;
  const { memory, maxBytes, maxPixels } = { ...DEFAULTS, ...options };
  const most = Math.max(1, Math.floor(workers));
  const coming = Promise.all([sourceOf(from, { ...options, maxBytes }), decoderModule()]);
  coming.catch(() => {}); // if the workers fail first nobody waits for it
  prepareWorkers(options.overview ? Math.min(EARLY, most) : 1);
  const [file, module] = await coming;
  signal.throwIfAborted();
  const limits = { memory, maxPixels, most, signal };
  if (!(file instanceof RangedFile)) return wholePicture(file, module, limits);
  const planner = await plannerOf(module, file, signal);
  if (planner.info.alpha) {
    return wholePicture(await sourceOf(from, { ...options, maxBytes, ranges: false }), module, limits);
  }
  const profile = planner.info.icc && (await file.bytes(planner.info.icc, signal));
  signal.throwIfAborted();
  const source = { module, size: file.size, front: file.front, profile, memory };
  const pool = new Pool(source, most);
  const ranged = new RangedPicture(file, planner, pool, source, maxBytes);
  if (options.overview) ranged.overview().catch(() => {}); // whoever asks for it hears of it
  return new Picture(pool, planner.info, maxPixels, ranged);
}

async function wholePicture(file, module, { memory, maxPixels, most, signal }) {
  const pool = new Pool({ module, file, memory }, most);
  const stop = () => pool.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const info = await pool.open();
    signal.throwIfAborted();
    return new Picture(pool, info, maxPixels);
  } catch (error) {
    pool.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** One processor is left to the page, if there are more than two. */
function defaultWorkers() {
  const processors = globalThis.navigator?.hardwareConcurrency ?? 2;
  return Math.min(4, Math.max(processors - 1, Math.min(processors, 2)));
}

/** A decoder that has a file's header and index; those of a very large file may be longer than what was fetched. */
async function plannerOf(module, file, signal) {
  for (;;) {
    try {
      return new Decoder(module, new PiecesReader(file.size, file.front), { memory: PLANNING });
    } catch (error) {
      if (!(error instanceof MissingError)) throw error;
      await file.extend(error.end, signal);
    }
  }
}

/** What a picture of which parts are fetched has beside its decoders. */
class RangedPicture {
  /** @type {Promise<{factor: number, sketch: number, whole: number}> | null} */
  #overview = null;
  #pool;
  #source;
  #planner;
  #maxBytes;

  /**
   * @param {RangedFile} file
   * @param {Decoder} planner
   * @param {Pool} pool
   * @param {import("./worker.js").Source} source of the picture; its profile is that of the overview
   * @param {number} maxBytes of a file that is fetched as a whole
   */
  constructor(file, planner, pool, source, maxBytes) {
    this.file = file;
    this.#maxBytes = maxBytes;
    this.#planner = planner;
    this.#pool = pool;
    this.#source = source;
  }

  /** The parts of the file that a part of the picture needs. */
  async pieces(region, wanted, signal) {
    if (this.#planner.broken) this.#planner = await plannerOf(this.#source.module, this.file, signal);
    return this.file.pieces(this.#planner.ranges(region, wanted), signal);
  }

  /** All of the file. */
  async all(signal) {
    checkBytes(this.file.size, this.#maxBytes);
    return this.file.all(signal);
  }

  /**
   * The picture reduced, and how many px are one of its own; null if there is none. It is two files of the pool's: of one
   * a part is decoded, which is sooner, the other stays decoded.
   */
  async overview() {
    const range = this.#planner.info.overview;
    if (!range) return null;
    this.#overview ??= this.#open(range).catch((error) => {
      this.#overview = null; // the next one may be luckier
      throw error;
    });
    return this.#overview;
  }

  async #open(range) {
    const bytes = await this.file.bytes(range);
    const front = bytes.slice(1);
    const sketch = this.#pool.add({ ...this.#source, size: front.length, front });
    const whole = this.#pool.add({ ...this.#source, file: new Blob([front]), front: undefined });
    return { factor: 2 ** bytes[0], sketch, whole };
  }
}

/** Made by `open`. */
export class Picture {
  #pool;
  #maxPixels;
  #ranged;

  constructor(pool, info, maxPixels, ranged = null) {
    this.#pool = pool;
    this.#maxPixels = maxPixels;
    this.#ranged = ranged;
    this.info = Object.freeze(info);
  }

  /** That it may have at most. */
  get workers() {
    return this.#pool.most;
  }

  /** Bytes of the file that have been fetched so far. */
  get bytesFetched() {
    return this.#ranged ? this.#ranged.file.fetched : this.bytes;
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
  async render({ region, scale, size, as = "ImageData", draft = false, signal } = {}) {
    const { x, y, width, height } = region ?? { x: 0, y: 0, width: this.width, height: this.height };
    const part = { x, y, width, height }; // whatever else the caller's has may be nothing for a worker
    const pixels = { ...this.#checked(part, scale, size), draft };
    if (draft) {
      const drawn = await this.#drafted(part, pixels, as, signal);
      if (drawn) return drawn;
    }
    const pieces = await this.#ranged?.pieces(part, pixels, signal);
    return this.#rendered({ region: part, ...pixels, pieces }, as, { signal });
  }

  async #rendered(given, as, options) {
    const bitmap = as === "ImageBitmap";
    const result = await this.#pool.run("render", { ...given, maxPixels: this.#maxPixels, bitmap }, options);
    return bitmap ? result : new ImageData(result.pixels, result.width, result.height);
  }

  /**
   * The greatest scale at which drafts of all of the picture are there soon, from its overview; 0 if it has none.
   *
   * @returns {Promise<number>}
   */
  async quickScale() {
    const overview = await this.#ranged?.overview();
    return overview ? 1 / overview.factor : 0;
  }

  /**
   * The splats, eight numbers each: x, y, both standard deviations [px], the angle of the first axis [radians], red,
   * green, blue (1 is white; may be negative).
   *
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Float32Array>}
   */
  async splats({ signal } = {}) {
    const pieces = await this.#ranged?.all(signal);
    return this.#pool.run("splats", { pieces }, { signal });
  }

  /** A part as the overview shows it, null if there is none that is as fine as that. */
  async #drafted({ x, y, width, height }, { scale = 1, size, draft }, as, signal) {
    const overview = await this.#ranged?.overview().catch(() => null); // the file itself must do
    signal?.throwIfAborted();
    const pixels = size ?? scaled(width, height, scale);
    const finest = Math.max(pixels.width / width, pixels.height / height);
    if (!overview || finest * overview.factor > 1 + TOLERANCE) return null;
    const { factor, sketch, whole } = overview;
    const file = draft === "sketch" ? sketch : whole;
    const region = { x: x / factor, y: y / factor, width: width / factor, height: height / factor };
    return this.#rendered({ region, size: pixels, draft }, as, { signal, file });
  }

  /** Ends its workers and frees its memory. */
  close() {
    this.#ranged?.file.close(new SmartSplatError("The picture is closed."));
    this.#pool.close();
    if (openings === 0) dismissWorkers();
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
    if (!size && scale !== undefined && !(scale > 0 && Number.isFinite(scale))) {
      throw new ViewError(`There is no scale ${scale}.`);
    }
    if (size && ![size.width, size.height].every((side) => Number.isInteger(side) && side > 0)) {
      throw new ViewError(`There is no size ${size.width} x ${size.height}.`);
    }
    this.#checkPixels(size ?? scaled(width, height, scale));
    return size ? { size: { width: size.width, height: size.height } } : { scale };
  }

  #checkPixels({ width, height }) {
    const most = Math.min(this.#maxPixels, 2 ** 31 - 1);
    if (width * height > most) throw new LimitError(`${width} x ${height} pixels are more than ${most}.`);
  }
}

/** Pixels of a part at a scale. */
function scaled(width, height, scale = 1) {
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
