import type { Picture } from "./index.js";

export interface ViewerOptions {
  /** Told after each frame. */
  onchange?: (viewer: Viewer) => void;
  /** Told if a tile cannot be made. */
  onerror?: (error: Error) => void;
}

/** What is seen: the picture's point in the middle, and CSS pixels for each px. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
  /** The zoom at which the whole picture is seen. */
  readonly fitting: number;
  with(changes: { x?: number; y?: number; zoom?: number }): Camera;
  moved(dx: number, dy: number): Camera;
  zoomed(factor: number, left?: number, top?: number): Camera;
}

/** Deep zoom by wheel, drag, touch and keys. */
export class Viewer {
  constructor(container: HTMLElement, picture: Picture, options?: ViewerOptions);
  readonly canvas: HTMLCanvasElement;
  readonly camera: Camera;
  /** Whether all that can be seen is there, and be it as a sketch. */
  readonly covered: boolean;
  /** Whether all that can be seen is there in full. */
  readonly complete: boolean;
  /** Whether something that can be seen could not be made; what could not be fetched is asked for again. */
  readonly failing: boolean;
  /** Whether nothing can be seen, and nothing will come by itself. */
  readonly blank: boolean;
  move(change: (camera: Camera) => Camera): void;
  showOutlines(shown: boolean): Promise<void>;
  compare(original: CanvasImageSource | null, divider?: number): void;
  close(): void;
}
