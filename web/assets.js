// Where the worker and the decoder are. A page that bundles them, or keeps them elsewhere, sets these before it opens
// a picture.
import { NetworkError, UnsupportedError } from "./errors.js";

export const assets = {
  /** @type {string | URL} script of the worker */
  worker: new URL("./worker.js", import.meta.url),
  /** @type {WorkerType} */
  workerType: "module",
  /** @type {string | URL | BufferSource | WebAssembly.Module | Promise<BufferSource>} */
  decoder: new URL("./smartsplat.wasm", import.meta.url),
};

// A module that does nothing but add two vectors.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/** @type {Map<unknown, Promise<WebAssembly.Module>>} */
const compiled = new Map();

/**
 * The decoder, compiled once for a page.
 *
 * @returns {Promise<WebAssembly.Module>}
 */
export function decoderModule() {
  const from = assets.decoder;
  let module = compiled.get(from);
  if (!module) {
    module = compile(from);
    compiled.set(from, module);
    module.catch(() => compiled.delete(from)); // the next one may be luckier
  }
  return module;
}

/** @param {typeof assets.decoder} from */
async function compile(from) {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    throw new UnsupportedError("This browser is too old to show the picture: it has no WebAssembly with SIMD.");
  }
  if (from instanceof WebAssembly.Module) return from;
  return typeof from === "string" || from instanceof URL ? streamed(from) : WebAssembly.compile(await from);
}

/** @param {string | URL} url */
async function streamed(url) {
  const answer = await fetch(url).catch((error) => {
    throw new NetworkError("The decoder could not be fetched.", { cause: error });
  });
  if (!answer.ok) {
    const text = `The decoder could not be fetched: the server said ${answer.status}.`;
    throw Object.assign(new NetworkError(text), { status: answer.status });
  }
  const known = answer.headers.get("content-type")?.startsWith("application/wasm");
  return known ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer());
}
