// Signals that follow one another: AbortSignal.any is too new.

/**
 * Aborts a controller with a signal.
 *
 * @param {AbortController} controller
 * @param {AbortSignal | undefined} signal
 * @returns {() => void} ends that
 */
export function follow(controller, signal) {
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  return () => signal?.removeEventListener("abort", abort);
}
