// The viewer's page with the scripts that it needs inside: see src/smartsplat/viewing/page.py.
import { assets } from "./assets.js";
import { UnsupportedError } from "./errors.js";
import { showPage } from "./page.js";

/** Shows the pictures of the list that stands in the page, which a server has. */
export function showServed() {
  takeWorker();
  assets.decoder = document.getElementById("decoder").href; // which is being fetched already
  globalThis.page = showPage(document.body, JSON.parse(contents("list")));
}

/**
 * Shows the picture that stands in the page.
 *
 * @param {string} name
 */
export function showEmbedded(name) {
  takeWorker();
  assets.decoder = unpacked(decoded(contents("decoder")));
  assets.decoder.catch(() => {}); // said where it is waited for
  const source = new Blob([decoded(contents("picture"))]);
  globalThis.page = showPage(document.body, [{ name, source }]);
}

function takeWorker() {
  const script = new Blob([contents("worker")], { type: "text/javascript" });
  assets.worker = URL.createObjectURL(script);
  assets.workerType = "classic"; // it imports nothing
}

/** @param {string} id of an element, whose text is needed once */
function contents(id) {
  const element = document.getElementById(id);
  const text = element.textContent;
  element.remove();
  return text;
}

/** Bytes of base64. */
function decoded(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** @param {Uint8Array} bytes compressed by gzip */
async function unpacked(bytes) {
  if (typeof DecompressionStream !== "function")
    throw new UnsupportedError("This browser is too old to show the picture.");
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
