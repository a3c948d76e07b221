// Tiles of a picture: squares of pixels on grids whose scales are powers of two, below and above the picture's own.
// Those that are wanted are made, nearest to the middle first; those that were used last are kept.

export const TILE = 256; // pixels

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
  #failed = new Set();

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
    const keys = new Set(tiles.map(({ key }) => key));
    for (const [key, controller] of this.#coming) {
      if (keys.has(key)) continue;
      this.#coming.delete(key);
      controller.abort();
    }
    for (const tile of tiles) {
      if (!this.#made.has(tile.key) && !this.#coming.has(tile.key) && !this.#failed.has(tile.key)) this.#make(tile);
    }
  }

  /** Whether all that was asked for is there. */
  get complete() {
    return this.#coming.size === 0;
  }

  close() {
    this.want([]);
    for (const bitmap of this.#made.values()) bitmap.close();
    this.#made.clear();
  }

  async #make(tile) {
    const controller = new AbortController();
    this.#coming.set(tile.key, controller);
    try {
      const { region, size } = tile;
      const bitmap = await this.#picture.render({ region, size, as: "ImageBitmap", draft: true, signal: controller.signal });
      this.#keep(tile.key, bitmap);
    } catch (error) {
      if (controller.signal.aborted) return;
      this.#failed.add(tile.key);
      this.#onerror(error);
    }
    if (this.#coming.get(tile.key) === controller) this.#coming.delete(tile.key);
    this.#onready();
  }

  #keep(key, bitmap) {
    this.#made.set(key, bitmap);
    this.#bytes += 4 * bitmap.width * bitmap.height;
    for (const [oldest, old] of this.#made) {
      if (this.#bytes <= this.#most || oldest === key) return;
      this.#made.delete(oldest);
      this.#bytes -= 4 * old.width * old.height;
      old.close();
    }
  }
}
