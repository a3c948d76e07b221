// Pictures made of 2D Gaussians, in a browser:
//
//   const picture = await open("picture.ssplat");
//   const pixels = await picture.render({ region: { x: 0, y: 0, width: 512, height: 512 }, scale: 2 });
export { assets } from "./assets.js";
export {
  DecoderError,
  FormatError,
  LimitError,
  NetworkError,
  SmartSplatError,
  UnsupportedError,
  ViewError,
} from "./errors.js";
export { open, Picture } from "./picture.js";
