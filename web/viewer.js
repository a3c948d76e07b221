// A window on a picture: any part at any scale, coarser tiles standing in until the finer ones are there.
import { Backdrop } from "./backdrop.js";
import { Camera } from "./camera.js";
import { listen } from "./gestures.js";
import { drawOutlines } from "./outlines.js";
import { TileCache, TileGrid } from "./tiles.js";

const KEPT = 192 << 20; // bytes of tiles
const FINEST = 6; // level: 2^6 pixels for a px
const COARSER = 0.1; // log2 of how much coarser than the screen pixels may be: that is not seen
const CALM = 50; // ms between two drawings while tiles come in: each keeps the page from dealing out the next ones

export class Viewer {
  #picture;
  #grid;
  #tiles;
  #backdrop;
  #camera;
  #context;
  /** @type {Promise<Float32Array> | null} */
  #coming = null;
  #splats = null;
  #outlined = false;
  #original = null;
  #divider = 0.5;
  #frame = 0;
  #timer = 0;
  #drawn = false;
  #drawnAt = -CALM; // ms
  #stopped = new AbortController();
  #onchange;

  /**
   * @param {HTMLElement} container that it fills
   * @param {import("./picture.js").Picture} picture
   * @param {import("./viewer.js").ViewerOptions} [options]
   */
  constructor(container, picture, { onchange = () => {}, onerror = () => {} } = {}) {
    this.#picture = picture;
    this.#onchange = onchange;
    this.#grid = new TileGrid(picture);
    this.#tiles = new TileCache(picture, { onready: () => this.#askCalmly(), onerror, bytes: KEPT });
    this.#backdrop = new Backdrop(picture, { onready: () => this.#ask(), onerror });
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    Object.assign(this.canvas.style, { display: "block", width: "100%", height: "100%", touchAction: "none" });
    container.append(this.canvas);
    this.#context = this.canvas.getContext("2d", { alpha: true });
    this.#camera = new Camera(picture, this.#screen());
    this.#wantBackdrop(); // before the first frame
    this.#observe(container);
    listen(this.canvas, (change) => this.move(change), this.#stopped.signal);
  }

  get camera() {
    return this.#camera;
  }

  /** Whether all that can be seen is there, and be it as a sketch. */
  get covered() {
    return this.#drawn && this.#frame === 0 && (this.#backdrop.scale > 0 || this.complete);
  }

  /** Whether all that can be seen is there in full. */
  get complete() {
    return this.#drawn && this.#frame === 0 && this.#backdrop.complete && this.#tiles.complete;
  }

  /** Whether something that can be seen could not be made; what could not be fetched is asked for again. */
  get failing() {
    return this.#tiles.failing;
  }

  /** Whether nothing can be seen, and nothing will come by itself. */
  get blank() {
    const { scale, complete } = this.#backdrop;
    return complete && scale === 0 && this.#tiles.complete && this.#tiles.empty;
  }

  /** @param {(camera: Camera) => Camera} change */
  move(change) {
    this.#camera = change(this.#camera);
    this.#ask();
  }

  /** Draws the outlines of the splats, or does not any more. */
  async showOutlines(shown) {
    this.#outlined = shown;
    this.#ask();
    if (!shown || this.#splats) return;
    this.#coming ??= this.#picture.splats({ signal: this.#stopped.signal }).finally(() => (this.#coming = null));
    this.#splats = await this.#coming;
    this.#ask();
  }

  /**
   * Draws another picture of the same place to the right of a divider; none with null.
   *
   * @param {CanvasImageSource | null} original
   * @param {number} [divider] 0 (left border) to 1
   */
  compare(original, divider = 0.5) {
    this.#original = original;
    this.#divider = divider;
    this.#ask();
  }

  close() {
    this.#stopped.abort();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
    this.#tiles.close();
    this.#backdrop.close();
    this.canvas.remove();
  }

  #observe(container) {
    const observer = new ResizeObserver(() => {
      this.#camera = this.#camera.resized(this.#screen());
      this.#draw(); // at once: a canvas of a new size is empty
    });
    observer.observe(container);
    this.#stopped.signal.addEventListener("abort", () => observer.disconnect());
  }

  #screen() {
    const { clientWidth, clientHeight } = this.canvas;
    return { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
  }

  /** A container that is hidden, or not yet laid out, has no size. */
  get #hidden() {
    return this.canvas.clientWidth === 0 || this.canvas.clientHeight === 0;
  }

  #wantBackdrop() {
    if (!this.#hidden) this.#backdrop.want(this.#camera.fitting * (globalThis.devicePixelRatio || 1));
  }

  #ask() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (!this.#stopped.signal.aborted) this.#draw();
    });
  }

  /** The last tile is drawn at once, and what comes after a pause. */
  #askCalmly() {
    const wait = this.#drawnAt + CALM - performance.now();
    if (wait <= 0 || this.#tiles.complete) return this.#ask();
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#ask();
    }, wait);
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const ratio = globalThis.devicePixelRatio || 1;
    const { width, height } = this.#camera.screen;
    const [columns, rows] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== columns || this.canvas.height !== rows) {
      Object.assign(this.canvas, { width: columns, height: rows });
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    this.#drawTiles(ratio);
    if (this.#original) this.#drawOriginal();
    if (this.#outlined && this.#splats) drawOutlines(this.#context, this.#splats, this.#camera);
    this.#drawn = true;
    this.#drawnAt = performance.now();
    this.#onchange(this);
  }

  #drawTiles(ratio) {
    const { part, zoom } = this.#camera;
    const scale = zoom * ratio;
    this.#wantBackdrop();
    for (const { region, bitmap } of this.#backdrop.parts) this.#drawTile(region, bitmap, ratio);
    const below = this.#backdrop.scale; // no tiles are as coarse as that
    const first = below === 0 && !this.#backdrop.complete;
    if (first || this.#hidden || below * 2 ** COARSER >= scale) return this.#tiles.want([]);
    const coarsest = below > 0 ? Math.ceil(Math.log2(below)) : this.#grid.coarsest;
    const level = Math.min(Math.max(Math.ceil(Math.log2(scale) - COARSER), coarsest), FINEST);
    const finest = this.#grid.touching(level, part).sort((a, b) => this.#distance(a) - this.#distance(b));
    this.#tiles.want(below > 0 ? finest : [...this.#grid.touching(coarsest, part), ...finest]);
    for (let each = coarsest; each <= level; ++each) {
      for (const tile of this.#grid.touching(each, part)) {
        const bitmap = this.#tiles.get(tile);
        if (bitmap) this.#drawTile(tile.region, bitmap, ratio);
      }
    }
  }

  #distance({ region: { x, y, width, height } }) {
    return Math.hypot(x + width / 2 - this.#camera.x, y + height / 2 - this.#camera.y);
  }

  /** Borders lie between pixels of the screen, for otherwise neighbours would leave a line. */
  #drawTile({ x, y, width, height }, bitmap, ratio) {
    const snap = (value) => Math.round(value * ratio) / ratio;
    const from = this.#camera.screenAt(x, y);
    const to = this.#camera.screenAt(x + width, y + height);
    const [left, top] = [snap(from.left), snap(from.top)];
    const [right, bottom] = [snap(to.left), snap(to.top)];
    this.#clear(left, top, right - left, bottom - top);
    this.#context.drawImage(bitmap, left, top, right - left, bottom - top);
  }

  /** What is transparent must not show what was drawn before: coarser tiles, or the other picture. */
  #clear(left, top, width, height) {
    if (this.#picture.info.alpha) this.#context.clearRect(left, top, width, height);
  }

  #drawOriginal() {
    const { width, height } = this.#camera.screen;
    const from = this.#camera.screenAt(0, 0);
    const to = this.#camera.screenAt(this.#picture.width, this.#picture.height);
    const context = this.#context;
    context.save();
    context.beginPath();
    context.rect(width * this.#divider, 0, width, height);
    context.clip();
    this.#clear(0, 0, width, height);
    context.imageSmoothingEnabled = this.#camera.zoom < 2;
    context.drawImage(this.#original, from.left, from.top, to.left - from.left, to.top - from.top);
    context.restore();
    context.fillStyle = "#ffffffc0";
    context.fillRect(width * this.#divider - 1, 0, 2, height);
  }
}
