// <smart-splat src="picture.ssplat" alt="..."></smart-splat>: shows one picture, as sharp as its box is. With the
// attribute `zoomable` a person can zoom into it.
//
// Events: `load` when it is first seen, `error` (with `error`) if it cannot be shown.
import { open } from "./picture.js";
import { Viewer } from "./viewer.js";

const STYLE = `
:host { display: inline-block; position: relative; overflow: hidden; vertical-align: bottom }
:host([hidden]) { display: none }
div { width: 100%; height: 100% }
canvas { display: block; width: 100%; height: 100%; object-fit: contain }
p { margin: 0; padding: .5em; font: 14px/1.4 system-ui, sans-serif; overflow-wrap: anywhere }
`;

export class SmartSplatElement extends HTMLElement {
  static observedAttributes = ["src", "zoomable", "alt"];

  #box;
  #picture = null;
  #viewer = null;
  #canvas = null;
  #loading = null;
  #drawing = new AbortController();
  /** What is drawn, or being drawn: "width x height". */
  #size = "";
  #observer = new ResizeObserver(() => this.#draw());

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const style = Object.assign(document.createElement("style"), { textContent: STYLE });
    this.#box = document.createElement("div");
    root.append(style, this.#box);
  }

  get src() {
    return this.getAttribute("src") ?? "";
  }
  set src(value) {
    this.setAttribute("src", value);
  }
  /** The open picture, null before it is. */
  get picture() {
    return this.#picture;
  }

  connectedCallback() {
    this.#observer.observe(this);
    this.#load();
  }

  disconnectedCallback() {
    this.#observer.disconnect();
    this.#clear();
  }

  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    if (name === "alt") this.#canvas?.setAttribute("aria-label", after ?? "");
    else if (this.isConnected) this.#load();
  }

  async #load() {
    this.#clear();
    if (!this.src) return;
    const loading = (this.#loading = new AbortController());
    try {
      const url = new URL(this.src, this.baseURI);
      const picture = await open(url, {
        signal: loading.signal,
        workers: this.hasAttribute("zoomable") ? undefined : 1,
        overview: true,
      });
      if (loading.signal.aborted) return picture.close();
      this.#picture = picture;
      this.style.aspectRatio ||= `${picture.width} / ${picture.height}`;
      this.#show();
      if (this.#viewer) this.dispatchEvent(new Event("load"));
      else await this.#draw();
    } catch (error) {
      if (!loading.signal.aborted) this.#fail(error);
    }
  }

  #show() {
    if (this.hasAttribute("zoomable")) {
      this.#viewer = new Viewer(this.#box, this.#picture, {
        onerror: (error) => (this.#viewer?.blank ? this.#fail(error) : this.#tell(error)),
      });
      this.#canvas = this.#viewer.canvas;
    } else {
      this.#canvas = document.createElement("canvas");
      this.#canvas.setAttribute("role", "img");
      this.#box.append(this.#canvas);
    }
    this.#canvas.setAttribute("aria-label", this.getAttribute("alt") ?? "");
  }

  /** As many pixels as the box has, once for each size. */
  async #draw() {
    if (!this.#picture || this.#viewer) return;
    const { width, height } = this.#picture;
    const ratio = globalThis.devicePixelRatio || 1;
    const scale = ratio * Math.min((this.clientWidth || width) / width, (this.clientHeight || height) / height);
    const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
    const name = `${size.width} x ${size.height}`;
    if (name === this.#size) return;
    this.#size = name;
    this.#drawing.abort(); // that of another size
    const { signal } = (this.#drawing = new AbortController());
    try {
      const bitmap = await this.#picture.render({ size, as: "ImageBitmap", draft: true, signal }); // by the file's profile
      if (signal.aborted) bitmap.close();
      else this.#put(bitmap, size);
    } catch (error) {
      if (!signal.aborted) this.#stay(error);
    }
  }

  #put(bitmap, size) {
    const canvas = this.#canvas;
    Object.assign(canvas, size);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    if (canvas.dataset.drawn) return;
    canvas.dataset.drawn = "yes";
    this.dispatchEvent(new Event("load"));
  }

  /** A picture that is there is not given up because it could not be drawn in another size. */
  #stay(error) {
    this.#size = "";
    if (this.#canvas.dataset.drawn) this.#tell(error);
    else this.#fail(error);
  }

  #fail(error) {
    this.#clear();
    const text = document.createElement("p");
    text.setAttribute("role", "alert");
    text.textContent = error.message;
    this.#box.append(text);
    this.#tell(error);
  }

  #tell(error) {
    this.dispatchEvent(Object.assign(new Event("error"), { error }));
  }

  #clear() {
    this.#loading?.abort();
    this.#drawing.abort();
    this.#viewer?.close();
    this.#picture?.close();
    this.#box.replaceChildren();
    this.#size = "";
    this.#loading = this.#viewer = this.#picture = this.#canvas = null;
  }
}

customElements.define("smart-splat", SmartSplatElement);
