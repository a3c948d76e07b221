// A file's ICC profile, and pictures that the browser shows by it.
const GREATEST_PROFILE = 1 << 24; // bytes, as in the Python package

/**
 * How pixels are to be shown: `srgb` as they are; `display-p3` in that colour space, which browsers know by name; `icc`
 * by the profile.
 *
 * @typedef {{kind: "srgb" | "display-p3"} | {kind: "icc", profile: Uint8Array, channels: 1 | 3}} Colours
 */

const SRGB = Object.freeze({ kind: "srgb" });

/**
 * The colours of a file. A profile that is damaged or of another kind counts as none: the picture is shown all the same.
 *
 * @param {Uint8Array | null} packed its profile, as a zlib stream
 * @returns {Promise<Colours>}
 */
export async function coloursOf(packed) {
  if (!packed || typeof DecompressionStream !== "function") return SRGB;
  try {
    return classify(await inflated(new Blob([packed])));
  } catch {
    return SRGB;
  }
}

async function inflated(packed) {
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > GREATEST_PROFILE) throw new RangeError("the profile is too large");
    parts.push(part.value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

// Red, green and blue as in a profile, adapted to D50.
const PRIMARIES = {
  srgb: [0.43607, 0.22249, 0.01392, 0.38515, 0.71687, 0.09708, 0.14307, 0.06061, 0.7141],
  "display-p3": [0.51512, 0.2412, -0.00105, 0.29198, 0.69225, 0.04189, 0.1571, 0.06657, 0.78407],
};
const NEAR = 0.002;

/** What a profile means for us. */
function classify(profile) {
  const view = new DataView(profile.buffer);
  const space = text(view, 16);
  if (space !== "RGB " && space !== "GRAY") return SRGB;
  const tags = tagsOf(view);
  const name = space === "RGB " ? nameOf(view, tags) : null;
  if (name) return { kind: name };
  return { kind: "icc", profile, channels: space === "RGB " ? 3 : 1 };
}

function text(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

/** Offsets of the tags by their names. */
function tagsOf(view) {
  const tags = new Map();
  const count = Math.min(view.getUint32(128), 100);
  for (let i = 0; i < count; ++i) tags.set(text(view, 132 + 12 * i), view.getUint32(136 + 12 * i));
  return tags;
}

/** The name of a colour space that browsers know and the profile describes, or null. */
function nameOf(view, tags) {
  if (tags.has("A2B0")) return null; // tables, which count before all else
  const numbers = ["rXYZ", "gXYZ", "bXYZ"].flatMap((name) =>
    [8, 12, 16].map((offset) => view.getInt32(tags.get(name) + offset) / 65536),
  );
  if (!["rTRC", "gTRC", "bTRC"].every((name) => isSrgbCurve(view, tags.get(name)))) return null;
  const near = ([, known]) => known.every((value, i) => Math.abs(value - numbers[i]) < NEAR);
  return Object.entries(PRIMARIES).find(near)?.[0] ?? null;
}

function isSrgbCurve(view, at) {
  const wanted = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
  return [0.02, 0.1, 0.3, 0.5, 0.8, 1].every((x) => Math.abs(curveAt(view, at, x) - wanted(x)) < NEAR);
}

/** A tone curve (ICC.1:2022, 10.6 and 10.18) at a place. */
function curveAt(view, at, x) {
  const fixed = (i) => view.getInt32(at + 12 + 4 * i) / 65536;
  if (text(view, at) === "para") {
    const [g, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = Array.from(
      { length: [1, 3, 4, 5, 7][view.getUint16(at + 8)] },
      (_, i) => fixed(i),
    );
    const type = view.getUint16(at + 8);
    if (type < 3) return (a * x + b >= 0 ? (a * x + b) ** g : 0) + (type === 2 ? c : 0);
    return x >= d ? (a * x + b) ** g + e : c * x + f;
  }
  const count = view.getUint32(at + 8);
  if (count === 0) return x;
  if (count === 1) return x ** (view.getUint16(at + 12) / 256);
  const place = x * (count - 1);
  const first = Math.min(Math.floor(place), count - 2);
  const value = (i) => view.getUint16(at + 12 + 2 * i) / 65535;
  return value(first) + (value(first + 1) - value(first)) * (place - first);
}

/**
 * Pixels as a bitmap in the right colours.
 *
 * @param {Uint8ClampedArray} pixels RGBA, opaque
 * @param {number} width
 * @param {number} height
 * @param {Colours} colours
 * @returns {Promise<ImageBitmap>}
 */
export async function bitmapOf(pixels, width, height, colours) {
  if (colours.kind === "icc") {
    try {
      return await createImageBitmap(await pngOf(pixels, width, height, colours));
    } catch {
      // a profile that the browser refuses with its picture
    }
  }
  const space = colours.kind === "display-p3" ? { colorSpace: "display-p3" } : {};
  return createImageBitmap(new ImageData(pixels, width, height, space));
}

/** @type {WeakMap<Uint8Array, Promise<Uint8Array>>} chunks with profiles */
const profileChunks = new WeakMap();

/** A PNG with the profile, not compressed: browsers apply profiles of picture files only. */
async function pngOf(pixels, width, height, { profile, channels }) {
  if (!profileChunks.has(profile)) profileChunks.set(profile, profileChunk(profile));
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, width);
  head.setUint32(4, height);
  head.setUint8(8, 8); // bits
  head.setUint8(9, channels === 3 ? 2 : 0);
  const parts = [
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
    chunk("IHDR", new Uint8Array(head.buffer)),
    await profileChunks.get(profile),
    chunk("IDAT", stored(rowsOf(pixels, width, height, channels))),
    chunk("IEND", new Uint8Array(0)),
  ];
  return new Blob(parts, { type: "image/png" });
}

async function profileChunk(profile) {
  const stream = new Blob([profile]).stream().pipeThrough(new CompressionStream("deflate"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const content = new Uint8Array(packed.length + 5);
  content.set([105, 99, 99, 0, 0]); // its name, "icc", and the method
  content.set(packed, 5);
  return chunk("iCCP", content);
}

/** Rows of samples, before each the number of its filter: none. */
function rowsOf(pixels, width, height, channels) {
  const rows = new Uint8Array(height * (1 + channels * width));
  let to = 0;
  let from = 0;
  for (let y = 0; y < height; ++y) {
    ++to;
    for (let x = 0; x < width; ++x, from += 4) {
      for (let c = 0; c < channels; ++c) rows[to++] = pixels[from + c];
    }
  }
  return rows;
}

/** Bytes as a zlib stream of stored blocks. */
function stored(bytes) {
  const block = 65535;
  const blocks = Math.max(1, Math.ceil(bytes.length / block));
  const out = new Uint8Array(2 + 5 * blocks + bytes.length + 4);
  out.set([0x78, 0x01]);
  let at = 2;
  for (let i = 0; i < blocks; ++i) {
    const part = bytes.subarray(i * block, (i + 1) * block);
    out.set([i === blocks - 1 ? 1 : 0, part.length & 255, part.length >> 8, ~part.length & 255, (~part.length >> 8) & 255], at);
    out.set(part, at + 5);
    at += 5 + part.length;
  }
  new DataView(out.buffer).setUint32(at, adler32(bytes));
  return out;
}

function adler32(bytes) {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; ) {
    for (const end = Math.min(bytes.length, i + 5552); i < end; ++i) b += a += bytes[i];
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

// Of CRC-32, for four bytes at a time.
const TABLES = (() => {
  const tables = Array.from({ length: 4 }, () => new Uint32Array(256));
  for (let i = 0; i < 256; ++i) {
    let value = i;
    for (let k = 0; k < 8; ++k) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    tables[0][i] = value;
  }
  for (let i = 0; i < 256; ++i) {
    for (let k = 1; k < 4; ++k) tables[k][i] = (tables[k - 1][i] >>> 8) ^ tables[0][tables[k - 1][i] & 255];
  }
  return tables;
})();

function crc32(bytes) {
  const [last, third, second, first] = TABLES;
  let value = -1;
  let i = 0;
  for (; i + 4 <= bytes.length; i += 4) {
    value ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    value = first[value & 255] ^ second[(value >>> 8) & 255] ^ third[(value >>> 16) & 255] ^ last[value >>> 24];
  }
  for (; i < bytes.length; ++i) value = (value >>> 8) ^ last[(value ^ bytes[i]) & 255];
  return ~value >>> 0;
}

/** A chunk of PNG. */
function chunk(name, content) {
  const out = new Uint8Array(content.length + 12);
  const view = new DataView(out.buffer);
  view.setUint32(0, content.length);
  for (let i = 0; i < 4; ++i) out[4 + i] = name.charCodeAt(i);
  out.set(content, 8);
  view.setUint32(content.length + 8, crc32(out.subarray(4, content.length + 8)));
  return out;
}
