// Runs in a worker: one decoder, one request at a time.
import { BytesReader, Decoder, PiecesReader } from "./decoder.js";
import { kindOf, SmartSplatError } from "./errors.js";

/** @type {{module: WebAssembly.Module, file?: Blob, size?: number, front?: Uint8Array, memory: number} | null} */
let source = null;
/** @type {Decoder | null} */
let decoder = null;

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

const calls = {
  async open(given) {
    source = given;
    const { info } = await opened();
    return [info];
  },

  async render({ region, scale, size, maxPixels, bitmap, pieces }) {
    const { width, height, pixels } = (await openedWith(pieces)).render(region, { scale, size, maxPixels });
    const image = new ImageData(pixels, width, height);
    if (!bitmap) return [{ width, height, pixels }, [pixels.buffer]];
    const made = await createImageBitmap(image);
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
