// Where the bytes of a file come from. Of a small file, or one of a server that knows no ranges, that is a Blob, which
// the workers read by themselves: a page keeps one copy, however many workers there are. Of another one parts are fetched.
import { FormatError, LimitError, NetworkError } from "./errors.js";
import { RangedFile } from "./ranges.js";

const FRONT = 8192; // bytes that are fetched first: header and index of a 16K picture have 2,000
const FRONT_AND_OVERVIEW = 57344; // likewise: that of a 16K picture has 50,000
const LEAST_RANGED = 262144; // bytes of a file of which parts are fetched

const MAGIC = [0x89, 0x53, 0x53, 0x50, 0x0d, 0x0a];

/**
 * The file as a Blob, or what fetches its parts.
 *
 * @param {string | URL | Blob | ArrayBuffer | ArrayBufferView} from
 * @param {{signal?: AbortSignal, maxBytes: number, overview?: boolean, ranges?: boolean,
 *     onprogress?: (received: number, total: number | null) => void}} options `ranges` is false if all of it is needed
 * @returns {Promise<Blob | RangedFile>}
 */
export async function sourceOf(from, options) {
  const file = typeof from === "string" || from instanceof URL ? await fetched(from, options) : given(from);
  if (file instanceof RangedFile) return file;
  checkBytes(file.size, options.maxBytes);
  checkMagic(new Uint8Array(await readable(file.slice(0, MAGIC.length))), "");
  return file;
}

/** @param {unknown} from */
function given(from) {
  if (from instanceof Blob) return from;
  if (from instanceof ArrayBuffer || ArrayBuffer.isView(from)) return new Blob([from]);
  throw new TypeError("a picture is opened from a URL, a Blob or an ArrayBuffer");
}

/** @param {Blob} part */
function readable(part) {
  return part.arrayBuffer().catch((error) => {
    throw new NetworkError("The file cannot be read any more.", { cause: error });
  });
}

async function fetched(url, options) {
  if (options.ranges === false) return whole(url, await answered(url, options.signal, {}), options);
  const front = options.overview ? FRONT_AND_OVERVIEW : FRONT;
  const answer = await answered(url, options.signal, { Range: `bytes=0-${front - 1}` });
  if (answer.status === 206) {
    const { end, size } = rangeOf(answer);
    if (size > LEAST_RANGED) return ranged(url, answer, size, end, options);
    if (size > 0 && end === size) return whole(url, answer, options); // this is all of it
  } else if (answer.status !== 416) {
    return whole(url, answer, options);
  }
  leave(answer);
  return whole(url, await answered(url, options.signal, {}), options);
}

/** Does not read what an answer brings. */
function leave(answer) {
  answer.body?.cancel().catch(() => {}); // it may have broken by itself
}

function answered(url, signal, headers) {
  return fetch(url, { signal, headers }).catch((error) => {
    if (signal?.aborted) throw signal.reason;
    throw new NetworkError(unreachable(url), { cause: error });
  });
}

/** Up to where an answer has a file, and the file's size; 0 if it does not say, or packs what it sends. */
function rangeOf(answer) {
  const packed = answer.headers.get("content-encoding");
  const found = packed ? null : /^bytes 0-(\d+)\/(\d+)$/.exec(answer.headers.get("content-range") ?? "");
  return found ? { end: Number(found[1]) + 1, size: Number(found[2]) } : { end: 0, size: 0 };
}

async function ranged(url, answer, size, total, { signal, maxBytes, onprogress }) {
  const chunks = await received(answer, { signal, maxBytes, onprogress, total });
  const front = new Uint8Array(await new Blob(chunks).arrayBuffer());
  return new RangedFile(String(url), size, front);
}

async function whole(url, answer, { signal, maxBytes, onprogress }) {
  if (!answer.ok) throw refused(url, answer);
  const length = Number(answer.headers.get("content-length")) || null;
  const total = answer.headers.get("content-encoding") ? null : length; // that of an encoded answer is another
  if (total) checkBytes(total, maxBytes);
  const chunks = await received(answer, { signal, maxBytes, onprogress, total });
  return new Blob(chunks, { type: "image/x-ssplat" });
}

/** Reads an answer to its end, or until it is clear that it is nothing for us. */
async function received(answer, { signal, maxBytes, onprogress, total }) {
  const chunks = [];
  if (!answer.body) return chunks; // a 204
  const reader = answer.body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return chunks;
      if (bytes === 0) checkMagic(value, answer.headers.get("content-type") ?? "");
      chunks.push(value);
      bytes += value.length;
      checkBytes(bytes, maxBytes);
      onprogress?.(bytes, total);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // it may have ended by itself
    if (signal?.aborted) throw signal.reason;
    if (error instanceof FormatError || error instanceof LimitError) throw error;
    throw new NetworkError(`The connection broke after ${bytes} bytes${total ? ` of ${total}` : ""}.`, {
      cause: error,
    });
  }
}

/** A first chunk may be shorter than the magic. */
function checkMagic(bytes, type) {
  if (MAGIC.every((byte, i) => i >= bytes.length || byte === bytes[i])) return;
  const kind = type && !/octet-stream|ssplat/.test(type) ? `, but ${type.split(";")[0]}` : "";
  throw new FormatError(`This is not an .ssplat file${kind}.`);
}

/** @param {number} bytes of a file that are more than the `most` that are allowed are an error */
export function checkBytes(bytes, most) {
  if (bytes > most) throw new LimitError(`The file has ${bytes} bytes, more than the ${most} that are allowed.`);
}

function unreachable(url) {
  const file = new URL(url, globalThis.location?.href).protocol === "file:";
  if (file) return "A page that is opened from disk may not fetch files: put both on a web server, or choose the file.";
  return "The file could not be fetched: the server does not answer, or does not allow this page to read it.";
}

function refused(url, answer) {
  const name = decodeURIComponent(new URL(url, globalThis.location?.href).pathname.split("/").pop() ?? "");
  const what = answer.status === 404 ? "there is no such file" : `the server said ${answer.status}`;
  return Object.assign(new NetworkError(`${name || "The file"} could not be fetched: ${what}.`), {
    status: answer.status,
  });
}
