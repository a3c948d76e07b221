// All of a picture at once, as fine as the window shows it: what is seen first, and what stands in for tiles that are not
// there yet. At first it is a sketch. Only of pictures with an overview, for others would be long in coming.
const FINER = 1.25; // by how much finer than it the window must show the picture until it is made again
const STEPS = [
  { draft: "sketch", parts: 2 }, // side by side, for as many workers if each has a processor
  { draft: true, parts: 1 }, // the other worker is free for tiles
];

/** Beside that of the page, which also translates the decoder meanwhile. */
function spareProcessors() {
  return Math.max(1, (globalThis.navigator?.hardwareConcurrency ?? 2) - 1);
}

export class Backdrop {
  #picture;
  #onready;
  #onerror;
  /** @type {{region: import("./index.js").Region, bitmap: ImageBitmap}[]} */
  #parts = [];
  #asked = 0; // scale
  #most = Infinity; // scale
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
   * Asks for it: the first time that this is called, and when the window has become clearly larger.
   *
   * @param {number} scale of the picture in the window
   */
  want(scale) {
    const asked = Math.min(scale, this.#most);
    const busy = this.#asked > 0 && !this.complete;
    if (busy || !this.#picture.info.overview || asked <= this.#asked * FINER) return;
    this.#asked = asked;
    this.complete = false;
    this.#make(asked)
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
    this.#most = await this.#picture.quickScale();
    const scale = Math.min(wished, this.#most);
    if (!(scale > 0)) return; // of a file that is there as a whole tiles are as soon
    for (const step of this.#scale > 0 ? STEPS.slice(1) : STEPS) {
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
  async #drawn(scale, { draft, parts: most }) {
    const parts = Math.min(most, this.#picture.workers, spareProcessors());
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
    const ended = await Promise.allSettled(made);
    const failed = ended.find(({ status }) => status === "rejected");
    if (!failed) return ended.map(({ value }) => value);
    for (const { value } of ended) value?.bitmap.close();
    throw failed.reason;
  }
}
