// Decodes golden files with the decoder for browsers, as native/capi/decode_golden.c does, and prints the same lines:
//
//   node decode_golden.mjs FOLDER NAME:X,Y,WIDTH,HEIGHT...
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { BytesReader, Decoder } from "../../web/decoder.js";
import { FormatError, LimitError, ViewError } from "../../web/errors.js";

const LIMITS = { memory: 256 << 20 };
const module = new WebAssembly.Module(readFileSync(new URL("../../web/smartsplat.wasm", import.meta.url)));

const bufferOf = (path) => {
  const bytes = readFileSync(path);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
};
const opened = (buffer, limits = LIMITS) => new Decoder(module, new BytesReader(buffer), limits);

/** FNV-1a over 32-bit words. */
function hash(values) {
  let h = 0xcbf29ce484222325n;
  for (const value of values) h = BigInt.asUintN(64, (h ^ BigInt(value >>> 0)) * 0x100000001b3n);
  return h.toString(16).padStart(16, "0");
}

/** The samples of the file's channels in an RGBA picture. */
function samples({ pixels }, { channels, alpha }) {
  const places = [...(channels === 1 ? [0] : [0, 1, 2]), ...(alpha ? [3] : [])];
  const result = new Uint8Array((pixels.length / 4) * places.length);
  for (let i = 0; i < result.length; ++i) {
    result[i] = pixels[4 * Math.floor(i / places.length) + places[i % places.length]];
  }
  return result;
}

/** The upper half of a part and the lower half, each by itself. */
function decodeInHalves(decoder, { x, y, width, height }) {
  const half = Math.floor(height / 2);
  const parts = [
    [y, half],
    [y + half, height - half],
  ].filter(([, rows]) => rows > 0);
  return parts.map(([top, rows]) => {
    const part = decoder.render({ x, y: top, width, height: rows }, { maxPixels: 1e8 });
    assert.deepEqual([part.width, part.height], [width, rows]);
    return Buffer.from(samples(part, decoder.info));
  });
}

function checkWrongUse(buffer) {
  const refused = (work, type) => {
    const decoder = opened(buffer);
    assert.throws(() => work(decoder), type);
    assert.throws(() => decoder.splats(), /failed before/);
  };
  const one = { x: 0, y: 0, width: 1, height: 1 };
  assert.throws(() => opened(buffer.slice(0, -1)), FormatError);
  assert.throws(() => opened(new ArrayBuffer(0)), FormatError);
  assert.throws(
    () => opened(new TextEncoder().encode("<!doctype html>").buffer),
    /^FormatError: Not an \.ssplat file\.$/,
  );
  refused((decoder) => decoder.render({ ...one, x: -1 }, { maxPixels: 100 }), ViewError);
  refused((decoder) => decoder.render(one, { scale: 0, maxPixels: 100 }), ViewError);
  refused((decoder) => decoder.render(one, { scale: 11, maxPixels: 100 }), LimitError);
  refused((decoder) => decoder.render(one, { scale: 20000, maxPixels: 1e9 }), LimitError);
}

function checkSizes(decoder) {
  const { width, height } = decoder.info;
  const whole = { x: 0, y: 0, width, height };
  const stretched = decoder.render(whole, { size: { width: 7, height: 300 }, maxPixels: 1e6 });
  assert.deepEqual([stretched.width, stretched.height], [7, 300]);
  const plain = decoder.render(whole, { scale: 2, maxPixels: 1e6 });
  const sized = decoder.render(whole, { size: { width: 2 * width, height: 2 * height }, maxPixels: 1e6 });
  assert.deepEqual(sized, plain);
}

function decode(folder, argument, thoroughly) {
  const [name, numbers] = argument.split(":");
  const [x, y, width, height] = numbers.split(",").map(Number);
  const buffer = bufferOf(`${folder}/${name}.ssplat`);
  const expected = readFileSync(`${folder}/${name}.raw`);
  const decoder = opened(buffer);
  const integers = decoder.integers();
  const pixels = Buffer.concat(decodeInHalves(decoder, { x, y, width, height }));
  assert.equal(pixels.length, expected.length);
  const differences = pixels.map((value, i) => Math.abs(value - expected[i]));
  const different = differences.filter((value) => value > 0).length;
  const greatest = differences.reduce((most, value) => Math.max(most, value), 0);
  console.log(name, integers.length, hash(integers), different, greatest);
  assert.equal(decoder.splats().length, 8 * decoder.info.splats);
  if (thoroughly) {
    checkSizes(decoder);
    checkWrongUse(buffer);
  }
}

const [folder, ...names] = process.argv.slice(2);
names.forEach((name, i) => decode(folder, name, i === 0));
