import type { Picture } from "./index.js";

/** Tiles of a picture for OpenSeadragon 5 or later, made when they are asked for. */
export function tileSource(
  OpenSeadragon: unknown,
  picture: Picture,
  options?: {
    /** Pixels. Default 256. */
    tileSize?: number;
    /** Levels beyond the picture's own size, each twice as large as the one before. Default 4. */
    beyond?: number;
  },
): any;
