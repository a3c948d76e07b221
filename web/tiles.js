// Tiles of a picture: squares of pixels on grids whose scales are powers of two, below and above the picture's own.
// Those that are wanted are made, nearest to the middle first; those that were used last are kept.
import { NetworkError } from "./errors.js";

export const TILE = 256; // pixels
const PAUSE = 1000; // ms until a tile that could not be fetched is asked for again; twice as long each time
const LONGEST_PAUSE = 30_000; // ms

/** A tile: column and row on the grid of scale 2^level. */
export class TileGrid {
  /** @param {{width: number, height: number}} picture */
  constructor({ width, height }) {
    this.width = width;
    this.height = height;
    this.coarsest = Math.min(0, -Math.ceil(Math.log2(Math.max(width, height) / TILE)));
  }

  /**
   * The tiles of a level that a part of the picture touches.
   *
   * @param {number} level
   * @param {{x: number, y: number, width: number, height: number}} part px
   */
  touching(level, part) {
    const side = TILE / 2 ** level;
    const last = (end, most) => Math.min(Math.ceil(end / side), Math.ceil(most / side)) - 1;
    const found = [];
    for (let row = Math.max(0, Math.floor(part.y / side)); row <= last(part.y + part.height, this.height); ++row) {
      for (
        let column = Math.max(0, Math.floor(part.x / side));
        column <= last(part.x + part.width, this.width);
        ++column
      ) {
        found.push(this.tile(level, column, row));
      }
    }
    return found;
  }

  tile(level, column, row) {
    const side = TILE / 2 ** level;
    const [x, y] = [column * side, row * side];
    const region = { x, y, width: Math.min(side, this.width - x), height: Math.min(side, this.height - y) };
    const pixels = (length) => Math.max(1, Math.ceil(length * 2 ** level - 1e-6));
    return {
      key: `${level}/${column}/${row}`,
      level,
      column,
      row,
      region,
      size: { width: pixels(region.width), height: pixels(region.height) },
    };
  }
}

/** Makes tiles and keeps them. */
export class TileCache {
  #picture;
  #onready;
  #onerror;
  #most;
  #bytes = 0;
  /** @type {Map<string, ImageBitmap>} the one that was used last at the end */
  #made = new Map();
  /** @type {Map<string, AbortController>} */
  #coming = new Map();
  /** @type {Set<string>} those that will never be */
  #failed = new Set();
  /** @type {Set<string>} those that could not be fetched so far */
  #missed = new Set();
  /** Whether they are not asked for just now. */
  #resting = false;
  /** @type {Set<string>} the last that were asked for */
  #wanted = new Set();
  #pause = PAUSE;
  #timer = 0;

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {{onready: () => void, onerror: (error: Error) => void, bytes: number}} options `bytes` of tiles kept
   */
  constructor(picture, { onready, onerror, bytes }) {
    this.#picture = picture;
    this.#onready = onready;
    this.#onerror = onerror;
    this.#most = bytes;
  }

  /** The tile's pixels if they are there. */
  get(tile) {
    const bitmap = this.#made.get(tile.key);
    if (bitmap) {
      this.#made.delete(tile.key);
      this.#made.set(tile.key, bitmap);
    }
    return bitmap;
  }

  /** Asks for these tiles, in this order, and for no others any more. */
  want(tiles) {
    const keys = (this.#wanted = new Set(tiles.map(({ key }) => key)));
    for (const [key, controller] of this.#coming) {
      if (keys.has(key)) continue;
      this.#coming.delete(key);
      controller.abort();
    }
    for (const tile of tiles) {
      if (this.#resting && this.#missed.has(tile.key)) continue;
      if (![this.#made, this.#coming, this.#failed].some((some) => some.has(tile.key))) this.#make(tile);
    }
  }

  /** Whether all that was asked for is there. */
  get complete() {
    return this.#coming.size === 0;
  }

  /** Whether some that were asked for last could not be made. */
  get failing() {
    return [...this.#wanted].some((key) => this.#failed.has(key) || this.#missed.has(key));
  }

  /** Whether none is there, nor will be asked for again. */
  get empty() {
    return this.#made.size === 0 && this.#missed.size === 0;
  }

  close() {
    this.want([]);
    clearTimeout(this.#timer);
    for (const bitmap of this.#made.values()) bitmap.close();
    this.#made.clear();
  }

  async #make(tile) {
    const controller = new AbortController();
    this.#coming.set(tile.key, controller);
    try {
      const { region, size } = tile;
      const bitmap = await this.#picture.render({ region, size, as: "ImageBitmap", draft: true, signal: controller.signal });
      if (controller.signal.aborted) return bitmap.close();
      this.#coming.delete(tile.key);
      this.#missed.delete(tile.key);
      this.#pause = PAUSE;
      this.#keep(tile.key, bitmap);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#coming.delete(tile.key);
      this.#miss(tile.key, error);
    }
    this.#onready();
  }

  /** What could not be fetched is asked for again after a pause. */
  #miss(key, error) {
    if (error instanceof NetworkError) {
      this.#missed.add(key);
      this.#rest();
    } else {
      this.#failed.add(key);
    }
    this.#onerror(error);
  }

  #rest() {
    if (this.#resting) return;
    this.#resting = true;
    this.#timer = setTimeout(() => {
      this.#resting = false;
      this.#onready();
    }, this.#pause);
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
  }

  #keep(key, bitmap) {
    this.#made.set(key, bitmap);
    this.#bytes += 4 * bitmap.width * bitmap.height;
    for (const [oldest, old] of this.#made) {
      if (this.#bytes <= this.#most) return;
      if (this.#wanted.has(oldest)) continue; // a large screen may show more than are kept
      this.#made.delete(oldest);
      this.#bytes -= 4 * old.width * old.height;
      old.close();
    }
  }
}
