// The viewer's page: a toolbar, what is known of the picture, and the picture. `smartsplat view` and `smartsplat html`
// show it.
import { moveByKey } from "./gestures.js";
import { open } from "./picture.js";
import { Viewer } from "./viewer.js";

const LAYOUT = `
<header>
  <select id="files" aria-label="Picture"></select><strong id="name"></strong>
  <span id="facts"></span><span id="fetched"></span><output id="zoom"></output>
  <nav>
    <button id="in" title="Zoom in (+)">+</button><button id="out" title="Zoom out (-)">&minus;</button>
    <button id="fit" title="The whole picture (0)">Fit</button><button id="own" title="A pixel for a pixel (1)">1:1</button>
    <button id="outlines" aria-pressed="false" title="Outlines of the splats (o)">Outlines</button>
    <label id="comparison" title="To the right of the line: the original"><input id="divider" type="range" min="0"
      max="1" step="0.005" value="1" aria-label="Original"> Original</label>
    <button id="theme" title="Dark or light (t)">&#9680;</button>
  </nav>
</header>
<main><p id="message" role="status"></p></main>`;

/**
 * @typedef {object} FileEntry
 * @property {string} name
 * @property {string | Blob} source address or contents of the file
 * @property {string} [original] address of the picture that it was made from
 * @property {string} [facts] address of what takes longer to find out: `psnr` [dB]
 */

/**
 * Shows pictures.
 *
 * @param {HTMLElement} body that it fills
 * @param {FileEntry[]} files
 */
export function showPage(body, files) {
  body.innerHTML = LAYOUT;
  return new Page(body, files);
}

class Page {
  #body;
  #files;
  #picture = null;
  #viewer = null;
  #original = null;
  #troubled = false;
  #loading = new AbortController();

  constructor(body, files) {
    this.#body = body;
    this.#files = files;
    this.#fillFiles();
    this.#listen();
    this.shown = this.show(0);
  }

  /** For tests and for people at the console. */
  get viewer() {
    return this.#viewer;
  }

  /** Bytes of the file that have been fetched. */
  get fetched() {
    return this.#picture?.bytesFetched ?? 0;
  }

  /** @param {number} index of the file */
  async show(index) {
    this.#close();
    const { signal } = (this.#loading = new AbortController());
    const file = this.#files[index];
    document.title = file.name;
    this.#at("name").textContent = file.name;
    this.#say("Loading ...");
    const onprogress = (received, total) =>
      this.#say(`Loading ... ${sizeOf(received)}${total ? ` of ${sizeOf(total)}` : ""}`);
    try {
      const picture = await open(file.source, { signal, onprogress, overview: true });
      if (signal.aborted) return picture.close();
      this.#say("");
      this.#start(picture, file);
      await Promise.all([this.#loadOriginal(file, signal), this.#addFacts(file, signal)]);
    } catch (error) {
      if (!signal.aborted) this.#say(error.message, true);
    }
  }

  #start(picture, file) {
    this.#picture = picture;
    this.#at("facts").textContent = facts(picture);
    this.#at("outlines").disabled = picture.info.splats === 0;
    this.#viewer = new Viewer(this.#body.querySelector("main"), picture, {
      onchange: ({ camera }) => {
        this.#at("zoom").value = `${Number((camera.zoom * 100).toPrecision(3))} %`;
        this.#at("fetched").textContent = fetched(picture);
        if (this.#troubled && !this.#viewer?.failing) this.#trouble(null);
      },
      onerror: (error) => this.#trouble(error),
    });
    this.#viewer.canvas.setAttribute("aria-label", file.name);
  }

  /** Says what the viewer cannot show, until it can. */
  #trouble(error) {
    this.#troubled = error !== null;
    this.#say(error?.message ?? "", this.#troubled);
  }

  async #loadOriginal(file, signal) {
    this.#at("comparison").hidden = !file.original;
    if (!file.original) return;
    const image = Object.assign(new Image(), { src: file.original });
    await image.decode().catch(() => {
      throw new Error("The original cannot be shown: this browser does not read it.");
    });
    if (signal.aborted) return;
    this.#original = image;
    this.#compare();
  }

  async #addFacts(file, signal) {
    if (!file.facts) return;
    const { psnr } = await fetch(file.facts, { signal })
      .then((answer) => answer.json())
      .catch(() => ({})); // the picture is good without
    if (psnr !== undefined && !signal.aborted) this.#at("facts").textContent += ` · ${psnr.toFixed(2)} dB`;
  }

  #compare() {
    const divider = Number(this.#at("divider").value);
    this.#viewer?.compare(divider < 1 ? this.#original : null, divider);
  }

  #outlines() {
    const button = this.#at("outlines");
    const viewer = this.#viewer;
    if (!viewer || button.disabled) return;
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(shown));
    viewer.showOutlines(shown).catch((error) => {
      if (viewer !== this.#viewer) return; // another picture has come
      button.setAttribute("aria-pressed", "false");
      this.#say(error.message, true);
    });
  }

  #listen() {
    const move = (change) => this.#viewer?.move(change);
    const actions = {
      in: () => move((camera) => camera.zoomed(1.4)),
      out: () => move((camera) => camera.zoomed(1 / 1.4)),
      fit: () => move((camera) => camera.with({ zoom: camera.fitting })),
      own: () => move((camera) => camera.with({ zoom: 1 / devicePixelRatio })),
      outlines: () => this.#outlines(),
      theme: () => otherTheme(),
    };
    for (const [id, action] of Object.entries(actions)) this.#at(id).onclick = action;
    this.#at("divider").oninput = () => this.#compare();
    this.#at("files").onchange = (event) => (this.shown = this.show(event.target.selectedIndex));
    this.#body.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "o") this.#outlines();
      if (event.key === "t") otherTheme();
      if (event.target === document.body) moveByKey(event, move); // the canvas hears its own
    };
  }

  #fillFiles() {
    const list = this.#at("files");
    list.append(
      ...this.#files.map(({ name }) => Object.assign(document.createElement("option"), { textContent: name })),
    );
    list.hidden = this.#files.length < 2;
    this.#at("name").hidden = !list.hidden;
    this.#at("comparison").hidden = true;
  }

  #close() {
    this.#loading.abort();
    this.#viewer?.close();
    this.#picture?.close();
    this.#viewer = this.#picture = this.#original = null;
    this.#troubled = false;
    this.#at("outlines").setAttribute("aria-pressed", "false");
    this.#at("facts").textContent = this.#at("zoom").value = "";
  }

  #say(text, wrong = false) {
    const message = this.#at("message");
    message.textContent = text;
    message.hidden = !text;
    message.classList.toggle("wrong", wrong);
  }

  #at(id) {
    return this.#body.querySelector(`#${id}`);
  }
}

function facts({ width, height, bytes, info }) {
  const ratio = (3 * width * height) / bytes;
  const all = [`${width} × ${height}`, sizeOf(bytes), `CR ${Number(ratio.toPrecision(3))}`];
  all.push(`${info.splats.toLocaleString("en")} splats`);
  return all.join(" · ");
}

/** How much of the file has been fetched, where that is not all. */
function fetched({ bytes, bytesFetched }) {
  return bytesFetched < bytes ? `${sizeOf(bytesFetched)} fetched` : "";
}

function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${Number((bytes / 1e3).toPrecision(3))} kB` : `${Number((bytes / 1e6).toPrecision(3))} MB`;
}

function otherTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
}
