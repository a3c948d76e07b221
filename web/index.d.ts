export interface Region {
  /** px of the picture, from its left border */
  x: number;
  /** px of the picture, from its upper border */
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface OpenOptions {
  /** Workers at most, each with a decoder; started when the others are busy. Default: processors less one, 2 to 4, but no more than there are. */
  workers?: number;
  /** Calls the opening off. */
  signal?: AbortSignal;
  /**
   * Bytes that each decoder may take. Default 1 GiB, at most 2 GiB. A worker has up to three: of the picture, and two of
   * its overview, which are small.
   */
  memory?: number;
  /**
   * Bytes of a file that is fetched as a whole: a Blob, a small one, one of a server without ranges, one with alpha, or
   * any for `splats`. Default 512 MiB.
   */
  maxBytes?: number;
  /** Pixels that one call of `render` may make. Default 64 Mi. */
  maxPixels?: number;
  /** Fetch the overview that large files have at once, for drafts of all of the picture. Default false. */
  overview?: boolean;
  /** Told while the file is fetched; `total` is null if the server does not say. */
  onprogress?: (received: number, total: number | null) => void;
}

export interface RenderOptions {
  /** Default: the whole picture. */
  region?: Region;
  /** Pixels for each px of the picture; above 1 the Gaussians themselves are seen. Default 1. */
  scale?: number;
  /** Instead of a scale: pixels of the result, which may stretch it. */
  size?: Size;
  as?: "ImageData" | "ImageBitmap";
  /**
   * Be content with the overview that large files have, where it is as fine as what is asked for, and with less of the
   * lattice where a part is shown small. A sketch, for the moment until a draft is there, takes still less, and is soft.
   * Default false.
   */
  draft?: boolean | "sketch";
  /** Calls it off: the promise fails with the signal's reason. */
  signal?: AbortSignal;
}

export interface Info {
  width: number;
  height: number;
  /** 1 (grey) or 3 (RGB), without alpha. */
  channels: 1 | 3;
  /** px; 0 without a lattice. */
  latticeSpacing: number;
  splats: number;
  /** Of the file. */
  bytes: number;
  /** Of a sample of the picture that was encoded, 8 to 16; what is rendered has 8. */
  bits: number;
  /** Whether the picture has an alpha; others are opaque. */
  alpha: boolean;
  /** Where the file keeps its ICC profile, packed, bytes; null if it has none. */
  icc: { offset: number; size: number } | null;
  /** Where the file keeps the picture reduced, bytes; null if it does not. */
  overview: { offset: number; size: number } | null;
}

export class Picture {
  private constructor();
  readonly width: number;
  readonly height: number;
  readonly grey: boolean;
  readonly bytes: number;
  /** Of the file, that have been fetched so far. */
  readonly bytesFetched: number;
  readonly info: Readonly<Info>;
  /** That it may have at most. */
  readonly workers: number;
  render(options: RenderOptions & { as: "ImageBitmap" }): Promise<ImageBitmap>;
  render(options?: RenderOptions & { as?: "ImageData" }): Promise<ImageData>;
  /** The greatest scale at which drafts of all of the picture are there soon, from its overview; 0 if it has none. */
  quickScale(): Promise<number>;
  /** Eight floats a splat: x, y, both standard deviations [px], angle [radians], red, green, blue (1 is white). */
  splats(options?: { signal?: AbortSignal }): Promise<Float32Array>;
  close(): void;
}

export function open(
  from: string | URL | Blob | ArrayBuffer | ArrayBufferView,
  options?: OpenOptions,
): Promise<Picture>;

/** Where the package's own files are; to be set before the first picture is opened. */
export const assets: {
  worker: string | URL;
  workerType: "module" | "classic";
  decoder: string | URL | BufferSource | WebAssembly.Module | Promise<BufferSource>;
};

/** The base of all errors; each message is a sentence for a person. */
export class SmartSplatError extends Error {}
export class FormatError extends SmartSplatError {}
export class NetworkError extends SmartSplatError {
  /** Of the answer, 0 if there was none. */
  status: number;
}
export class LimitError extends SmartSplatError {}
export class UnsupportedError extends SmartSplatError {}
export class ViewError extends SmartSplatError {}
export class DecoderError extends SmartSplatError {}
