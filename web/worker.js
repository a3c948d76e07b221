// Runs in a worker: one decoder, one request at a time.
import { bitmapOf, coloursOf } from "./colours.js";
import { BytesReader, Decoder } from "./decoder.js";
import { kindOf, SmartSplatError } from "./errors.js";

/** @type {{module: WebAssembly.Module, file: Blob, memory: number} | null} */
let source = null;
/** @type {Decoder | null} */
let decoder = null;
/** @type {Promise<import("./colours.js").Colours> | null} */
let colours = null;

async function opened() {
  if (decoder && !decoder.broken) return decoder;
  decoder = null; // before the next one takes memory
  const { module, file, memory } = source;
  decoder = new Decoder(module, new BytesReader(await file.arrayBuffer()), { memory });
  return decoder;
}

const calls = {
  async open(given) {
    source = given;
    colours = null;
    const { info } = await opened();
    return [info];
  },

  async render({ region, scale, size, maxPixels, bitmap }) {
    const { width, height, pixels } = (await opened()).render(region, { scale, size, maxPixels });
    if (!bitmap) return [{ width, height, pixels }, [pixels.buffer]];
    colours ??= coloursOf(source.file);
    const made = await bitmapOf(pixels, width, height, await colours);
    return [made, [made]];
  },

  async splats() {
    const rows = (await opened()).splats();
    return [rows, [rows.buffer]];
  },
};

self.onmessage = async ({ data: { id, call, given } }) => {
  try {
    const [result, transferred] = await calls[call](given);
    self.postMessage({ id, result }, transferred ?? []);
  } catch (error) {
    const text = error instanceof SmartSplatError ? error.message : `The picture could not be made: ${error}.`;
    self.postMessage({ id, error: { kind: kindOf(error), text } });
  }
};
