// A tile source for OpenSeadragon (5 or later):
//
//   const source = tileSource(OpenSeadragon, await open("picture.ssplat"));
//   OpenSeadragon({ element, tileSources: [source], maxZoomPixelRatio: 16 });

/**
 * Tiles of a picture, made when they are asked for.
 *
 * @param {any} OpenSeadragon the library
 * @param {import("./index.js").Picture} picture
 * @param {{tileSize?: number, beyond?: number}} [options] `beyond`: levels beyond the picture's own size, each twice as
 *     large as the one before
 */
export function tileSource(OpenSeadragon, picture, { tileSize = 256, beyond = 4 } = {}) {
  class SmartSplatTileSource extends OpenSeadragon.TileSource {
    constructor() {
      super({ width: picture.width, height: picture.height, tileSize, tileOverlap: 0 });
      this.maxLevel += beyond;
    }

    /** Never fetched: the name of a tile in caches. */
    getTileUrl(level, x, y) {
      return `ssplat:${picture.width}x${picture.height}/${picture.bytes}/${level}/${x}_${y}`;
    }

    hasTransparency() {
      return picture.info.alpha;
    }

    getTileHashKey(level, x, y) {
      return this.getTileUrl(level, x, y);
    }

    downloadTileStart(job) {
      const { level, x, y } = job.tile;
      const controller = new AbortController();
      job.userData.controller = controller;
      const scale = this.getLevelScale(level);
      const bounds = this.getTileBounds(level, x, y, true); // in pixels of the level
      const size = { width: Math.max(1, Math.ceil(bounds.width)), height: Math.max(1, Math.ceil(bounds.height)) };
      const region = within(picture, bounds, scale);
      picture.render({ region, size, as: "ImageBitmap", draft: true, signal: controller.signal }).then(
        (bitmap) => job.finish(bitmap, null, "imageBitmap"),
        (error) => controller.signal.aborted || job.fail(error.message, null),
      );
    }

    downloadTileAbort(job) {
      job.userData.controller?.abort();
    }
  }
  return new SmartSplatTileSource();
}

/** The part of the picture that a tile shows, px: levels are rounded to whole pixels, the picture is not. */
function within({ width, height }, bounds, scale) {
  const [x, y] = [bounds.x / scale, bounds.y / scale];
  return {
    x,
    y,
    width: Math.min(bounds.width / scale, width - x),
    height: Math.min(bounds.height / scale, height - y),
  };
}
