// What can go wrong. Each message is a sentence for a person.

/** The base of all errors of this package. */
export class SmartSplatError extends Error {
  /**
   * @param {string} message
   * @param {ErrorOptions} [options]
   */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The bytes are no .ssplat file, or a damaged one. */
export class FormatError extends SmartSplatError {}

/** The file could not be fetched or read. */
export class NetworkError extends SmartSplatError {
  /** Of the answer, 0 if there was none. */
  status = 0;
}

/** More memory, pixels or work than is allowed. */
export class LimitError extends SmartSplatError {}

/** This browser lacks what the decoder needs. */
export class UnsupportedError extends SmartSplatError {}

/** A part of the picture that there is not, or an impossible scale. */
export class ViewError extends SmartSplatError {}

/** The decoder broke: a defect of it. */
export class DecoderError extends SmartSplatError {}

const BY_KIND = {
  argument: ViewError,
  format: FormatError,
  view: ViewError,
  limit: LimitError,
  memory: LimitError,
  read: NetworkError,
  network: NetworkError,
  unsupported: UnsupportedError,
};

/**
 * The error of a kind that the decoder, or a worker, names.
 *
 * @param {string} kind
 * @param {string} text
 * @returns {SmartSplatError}
 */
export function errorOf(kind, text) {
  return new (BY_KIND[kind] ?? DecoderError)(sentence(text));
}

/**
 * The kind of an error, so that it can be sent from a worker.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function kindOf(error) {
  const found = Object.entries(BY_KIND).find(([, type]) => error instanceof type);
  return found ? found[0] : "defect";
}

/** @param {string} text */
function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
