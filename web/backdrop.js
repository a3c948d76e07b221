// All of a picture at once, as fine as the window shows it: what is seen first, and what stands in for tiles that are not
// there yet. At first it is a sketch. Only of pictures with an overview, for others would be long in coming.
const STEPS = [
  { draft: "sketch", parts: 2 }, // side by side, for as many workers
  { draft: true, parts: 1 }, // the other worker is free for tiles
];

export class Backdrop {
  #picture;
  #onready;
  #onerror;
  /** @type {{region: import("./index.js").Region, bitmap: ImageBitmap}[]} */
  #parts = [];
  #asked = false;
  #coming = new AbortController();
  #scale = 0;

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {{onready: () => void, onerror: (error: Error) => void}} options
   */
  constructor(picture, { onready, onerror }) {
    this.#picture = picture;
    this.#onready = onready;
    this.#onerror = onerror;
    /** Whether no more of it will come. */
    this.complete = !picture.info.overview;
  }

  /** Pixels of it for each px; 0 before it is there, or if it will never be. */
  get scale() {
    return this.#scale;
  }

  /** What of it is there: all or nothing. */
  get parts() {
    return this.#parts;
  }

  /**
   * Asks for it, the first time that this is called.
   *
   * @param {number} scale of the picture in the window
   */
  want(scale) {
    if (this.#asked || this.complete) return;
    this.#asked = true;
    this.#make(scale)
      .catch((error) => this.#coming.signal.aborted || this.#onerror(error))
      .finally(() => {
        this.complete = true;
        this.#onready();
      });
  }

  close() {
    this.#coming.abort();
    this.#replace([]);
  }

  async #make(wished) {
    const scale = Math.min(wished, await this.#picture.quickScale());
    for (const step of STEPS) {
      const parts = await this.#drawn(scale, step);
      if (this.#coming.signal.aborted) return parts.forEach(({ bitmap }) => bitmap.close());
      this.#replace(parts);
      this.#scale = scale;
      this.#onready();
    }
  }

  #replace(parts) {
    for (const { bitmap } of this.#parts) bitmap.close();
    this.#parts = parts;
  }

  /** All of it, in parts. */
  #drawn(scale, { draft, parts }) {
    const { width, height } = this.#picture;
    const [columns, rows] = [width, height].map((side) => Math.max(1, Math.round(side * scale)));
    const ends = Array.from({ length: parts + 1 }, (_, i) => Math.round((i * columns) / parts));
    const cuts = ends.slice(1).map((end, i) => [ends[i], end]);
    const made = cuts.filter(([start, end]) => end > start).map(async ([start, end]) => {
      const px = width / columns;
      const region = { x: start * px, y: 0, width: (end - start) * px, height };
      const size = { width: end - start, height: rows };
      const { signal } = this.#coming;
      return { region, bitmap: await this.#picture.render({ region, size, as: "ImageBitmap", draft, signal }) };
    });
    return Promise.all(made);
  }
}
