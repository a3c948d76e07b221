// Runs in a worker: one decoder, one request at a time.
import { bitmapOf, coloursOf } from "./colours.js";
import { BytesReader, Decoder, PiecesReader } from "./decoder.js";
import { kindOf, SmartSplatError } from "./errors.js";

/** @type {{module: WebAssembly.Module, file?: Blob, size?: number, front?: Uint8Array, profile?: Uint8Array, memory: number} | null} */
let source = null;
/** @type {Decoder | null} */
let decoder = null;
/** @type {Promise<import("./colours.js").Colours> | null} */
let colours = null;

async function opened() {
  if (decoder && !decoder.broken) return decoder;
  decoder = null; // before the next one takes memory
  const { module, file, size, front, memory } = source;
  const reader = file ? new BytesReader(await file.arrayBuffer()) : new PiecesReader(size, front);
  decoder = new Decoder(module, reader, { memory });
  return decoder;
}

/** With the parts of the file that have been fetched for a call, if it is read so. */
async function openedWith(pieces) {
  const found = await opened();
  if (pieces) found.reader.pieces = pieces;
  return found;
}

/** The packed ICC profile, null if there is none. */
async function profile() {
  const { info } = await opened();
  if (source.profile || !info.icc || !source.file) return source.profile ?? null;
  const { offset, size } = info.icc;
  return new Uint8Array(await source.file.slice(offset, offset + size).arrayBuffer());
}

const calls = {
  async open(given) {
    source = given;
    colours = null;
    const { info } = await opened();
    return [info];
  },

  async render({ region, scale, size, draft, maxPixels, bitmap, pieces }) {
    const { width, height, pixels } = (await openedWith(pieces)).render(region, { scale, size, draft, maxPixels });
    if (!bitmap) return [{ width, height, pixels }, [pixels.buffer]];
    colours ??= profile().then(coloursOf);
    const made = await bitmapOf(pixels, width, height, await colours);
    return [made, [made]];
  },

  async splats({ pieces }) {
    const rows = (await openedWith(pieces)).splats();
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
