// Which part of a picture a window shows. Values: each change gives a new one.

const LARGEST = 64; // screen pixels for a px: there are only Gaussians any more

export class Camera {
  /**
   * @param {{width: number, height: number}} picture px
   * @param {{width: number, height: number}} screen CSS pixels
   * @param {{x: number, y: number, zoom: number} | null} [at] the picture's point in the middle, CSS pixels for each px
   */
  constructor(picture, screen, at = null) {
    this.picture = picture;
    this.screen = screen;
    const fit = Math.min(screen.width / picture.width, screen.height / picture.height);
    this.fitting = fit;
    const zoom = Math.min(Math.max(at?.zoom ?? fit, Math.min(fit, 1) / 2), Math.max(LARGEST, fit));
    this.zoom = zoom;
    this.x = centred(at?.x ?? picture.width / 2, picture.width, screen.width / zoom);
    this.y = centred(at?.y ?? picture.height / 2, picture.height, screen.height / zoom);
  }

  with(changes) {
    return new Camera(this.picture, this.screen, { x: this.x, y: this.y, zoom: this.zoom, ...changes });
  }

  resized(screen) {
    const whole = this.zoom === this.fitting;
    return new Camera(this.picture, screen, whole ? null : { x: this.x, y: this.y, zoom: this.zoom });
  }

  /** Moves what is seen by CSS pixels. */
  moved(dx, dy) {
    return this.with({ x: this.x - dx / this.zoom, y: this.y - dy / this.zoom });
  }

  /** Zooms while the point at (left, top) on the screen stays where it is. */
  zoomed(factor, left = this.screen.width / 2, top = this.screen.height / 2) {
    const at = this.pictureAt(left, top);
    const { zoom } = this.with({ zoom: this.zoom * factor });
    return this.with({
      zoom,
      x: at.x - (left - this.screen.width / 2) / zoom,
      y: at.y - (top - this.screen.height / 2) / zoom,
    });
  }

  pictureAt(left, top) {
    return {
      x: this.x + (left - this.screen.width / 2) / this.zoom,
      y: this.y + (top - this.screen.height / 2) / this.zoom,
    };
  }

  screenAt(x, y) {
    return {
      left: (x - this.x) * this.zoom + this.screen.width / 2,
      top: (y - this.y) * this.zoom + this.screen.height / 2,
    };
  }

  /** What is seen, px; may go beyond the picture. */
  get part() {
    const { x, y } = this.pictureAt(0, 0);
    return { x, y, width: this.screen.width / this.zoom, height: this.screen.height / this.zoom };
  }
}

/** A middle such that the picture fills the window, or is in its middle where it is smaller. */
function centred(middle, side, seen) {
  if (seen >= side) return side / 2;
  return Math.min(Math.max(middle, seen / 2), side - seen / 2);
}
