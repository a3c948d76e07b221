// Wheel, pointers (mouse, pen, fingers) and keys as moves of a camera.

const KEY_STEP = 80; // CSS pixels
const ZOOM_STEP = 1.4;
const WHEEL = 0.0015; // of the logarithm of the zoom for each CSS pixel

/**
 * Lets a person move a viewer's camera.
 *
 * @param {HTMLElement} target
 * @param {(change: (camera: import("./camera.js").Camera) => import("./camera.js").Camera) => void} move
 * @param {AbortSignal} signal until then
 */
export function listen(target, move, signal) {
  const on = (name, handler, options = {}) => target.addEventListener(name, handler, { signal, ...options });
  const fingers = new Fingers();
  const place = (event) => {
    const box = target.getBoundingClientRect();
    return { left: event.clientX - box.left, top: event.clientY - box.top };
  };
  on(
    "wheel",
    (event) => {
      event.preventDefault();
      const { left, top } = place(event);
      const lines = event.deltaMode === 1 ? 16 : 1;
      const delta = Math.max(-240, Math.min(240, event.deltaY * lines * (event.ctrlKey ? 4 : 1))); // pinches are small
      move((camera) => camera.zoomed(Math.exp(-delta * WHEEL), left, top));
    },
    { passive: false },
  );
  on("pointerdown", (event) => {
    if (event.button !== 0) return;
    target.setPointerCapture(event.pointerId);
    fingers.put(event.pointerId, place(event));
  });
  on("pointermove", (event) => {
    const change = fingers.move(event.pointerId, place(event));
    if (change) move((camera) => camera.zoomed(change.factor, change.left, change.top).moved(change.dx, change.dy));
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
    on(name, (event) => fingers.lift(event.pointerId));
  on("dblclick", (event) => {
    const { left, top } = place(event);
    move((camera) => camera.zoomed(event.shiftKey ? 1 / 2 : 2, left, top));
  });
  on("keydown", (event) => moveByKey(event, move));
}

/**
 * Moves a camera as a key says, if it is one of those that do.
 *
 * @param {KeyboardEvent} event
 * @param {(change: (camera: import("./camera.js").Camera) => import("./camera.js").Camera) => void} move
 */
export function moveByKey(event, move) {
  const change = event.ctrlKey || event.metaKey || event.altKey ? null : KEYS[event.key];
  if (!change) return;
  event.preventDefault();
  move(change);
}

const KEYS = {
  ArrowLeft: (camera) => camera.moved(KEY_STEP, 0),
  ArrowRight: (camera) => camera.moved(-KEY_STEP, 0),
  ArrowUp: (camera) => camera.moved(0, KEY_STEP),
  ArrowDown: (camera) => camera.moved(0, -KEY_STEP),
  "+": (camera) => camera.zoomed(ZOOM_STEP),
  "=": (camera) => camera.zoomed(ZOOM_STEP),
  "-": (camera) => camera.zoomed(1 / ZOOM_STEP),
  0: (camera) => camera.with({ zoom: camera.fitting }),
  Home: (camera) => camera.with({ zoom: camera.fitting }),
  1: (camera) => camera.with({ zoom: 1 / (globalThis.devicePixelRatio || 1) }),
};

/** Pointers that are down. */
class Fingers {
  #at = new Map();

  put(id, place) {
    this.#at.set(id, place);
  }

  lift(id) {
    this.#at.delete(id);
  }

  /** What the picture does when one of them moves; nothing if it is not down. */
  move(id, place) {
    if (!this.#at.has(id)) return null;
    const before = this.#middle();
    this.#at.set(id, place);
    const after = this.#middle();
    return {
      dx: after.left - before.left,
      dy: after.top - before.top,
      factor: before.spread > 0 && after.spread > 0 ? after.spread / before.spread : 1,
      left: before.left,
      top: before.top,
    };
  }

  #middle() {
    const [a, b = a] = this.#at.values();
    return {
      left: (a.left + b.left) / 2,
      top: (a.top + b.top) / 2,
      spread: Math.hypot(a.left - b.left, a.top - b.top),
    };
  }
}
