// Outlines of splats: ellipses at one standard deviation.

const MOST = 6000; // drawn at a time: those that are largest on the screen
const LEAST = 1.5; // CSS pixels of the larger axis; smaller ones are dots
const PARAMETERS = 8;

/**
 * Draws the splats that can be seen.
 *
 * @param {CanvasRenderingContext2D} context in CSS pixels
 * @param {Float32Array} splats see `Picture.splats`
 * @param {import("./camera.js").Camera} camera
 */
export function drawOutlines(context, splats, camera) {
  context.lineWidth = 1;
  for (const at of seen(splats, camera)) {
    const [x, y, first, second, angle, red, green, blue] = splats.subarray(at, at + PARAMETERS);
    const { left, top } = camera.screenAt(x, y);
    context.strokeStyle = red + green + blue >= 0 ? "#ffb000" : "#40b0ff"; // the latter take light away
    context.beginPath();
    context.ellipse(
      left,
      top,
      Math.max(first * camera.zoom, 0.5),
      Math.max(second * camera.zoom, 0.5),
      angle,
      0,
      2 * Math.PI,
    );
    context.stroke();
  }
}

/** Places of those that are seen, at most so many. */
function seen(splats, camera) {
  const { x, y, width, height } = camera.part;
  const found = [];
  for (let at = 0; at < splats.length; at += PARAMETERS) {
    const reach = Math.max(splats[at + 2], splats[at + 3]);
    if (reach * camera.zoom < LEAST) continue;
    if (splats[at] < x - reach || splats[at] > x + width + reach) continue;
    if (splats[at + 1] < y - reach || splats[at + 1] > y + height + reach) continue;
    found.push(at);
  }
  if (found.length <= MOST) return found;
  const size = (at) => splats[at + 2] * splats[at + 3];
  return found.sort((a, b) => size(b) - size(a)).slice(0, MOST);
}
