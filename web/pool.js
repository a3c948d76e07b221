// Workers that share the requests for one picture. Each has a decoder of its own and is started when all others are
// busy.
import { assets } from "./assets.js";
import { DecoderError, errorOf, SmartSplatError } from "./errors.js";

const PATIENCE = 500; // ms that a worker may stay at a request that nobody wants, while others wait

/** A worker and the request that it is at. */
class Member {
  /** @type {Job | null} */
  job = null;
  /** Whether it has said that it is there. */
  started = false;
  /** What went wrong before it belonged to a pool. */
  failure = "";
  /** Files that it has been told of. */
  #known = new Set();
  onidle = () => {};
  onlost = (text) => (this.failure = text);

  constructor() {
    this.script = assets.worker;
    this.worker = workerOf(this.script, assets.workerType);
    this.worker.onmessage = ({ data }) => {
      const { job } = this;
      this.job = null;
      this.started = true;
      if (data.error) job?.fail(errorOf(data.error.kind, data.error.text));
      else if (job?.wanted) job.finish(data.result);
      else data.result?.close?.(); // an ImageBitmap that nobody takes
      this.onidle();
    };
    this.worker.onerror = (event) => {
      event.preventDefault?.();
      this.onlost(`The worker failed: ${event.message || "it could not be started"}.`);
    };
  }

  /**
   * @param {Job} job
   * @param {object} source where the job's file is from
   */
  start(job, source) {
    this.job = job;
    const { call, file, given } = job;
    try {
      this.worker.postMessage({ call, file, given, source: this.#known.has(file) ? undefined : source });
      this.#known.add(file);
    } catch (error) {
      this.job = null;
      job.fail(error);
    }
  }
}

function workerOf(script, type) {
  try {
    return new Worker(script, { type });
  } catch (error) {
    const text = "The worker could not be started: this page may not run a script of its address.";
    throw new DecoderError(text, { cause: error });
  }
}

/** @type {Member[]} the workers that pools hire next: they load their modules while the file is fetched */
let prepared = [];

/**
 * Starts workers for whoever needs some next.
 *
 * @param {number} count
 */
export function prepareWorkers(count) {
  while (prepared.length < count) prepared.push(new Member());
}

/** Ends them, when nothing can be opened. */
export function dismissWorkers() {
  for (const { worker } of prepared) worker.terminate();
  prepared = [];
}

function hired() {
  const member = prepared.shift();
  if (member && !member.failure && member.script === assets.worker) return member;
  member?.worker.terminate();
  return new Member();
}

/** A request and whom it is for. */
class Job {
  constructor(call, file, given) {
    this.call = call;
    this.file = file;
    this.given = given;
    this.wanted = true;
    this.promise = new Promise((resolve, reject) => {
      this.finish = resolve;
      this.fail = reject;
    });
  }
}

export class Pool {
  /** @type {Job[]} */
  #waiting = [];
  /** @type {Set<Member>} */
  #members = new Set();
  /** @type {Set<Member>} those that have started */
  #ready = new Set();
  #closed = false;
  /** @type {object[]} */
  #sources;

  /**
   * @param {import("./worker.js").Source} source of file 0, which each worker is told of at first
   * @param {number} most workers
   */
  constructor(source, most) {
    this.#sources = [source];
    this.most = most;
  }

  /** What the file says of itself. */
  open() {
    return this.run("open", {});
  }

  /**
   * Another file that the same workers decode.
   *
   * @param {import("./worker.js").Source} source
   * @returns {number} of the file
   */
  add(source) {
    return this.#sources.push(source) - 1;
  }

  /**
   * Has a worker do something.
   *
   * @param {string} call
   * @param {object} given
   * @param {{signal?: AbortSignal, file?: number}} [options] the signal is heard until it is done
   * @returns {Promise<any>}
   */
  run(call, given, { signal, file = 0 } = {}) {
    if (this.#closed) return Promise.reject(new SmartSplatError("The picture is closed."));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const job = new Job(call, file, given);
    const forget = () => this.#forget(job, signal.reason);
    signal?.addEventListener("abort", forget, { once: true });
    this.#waiting.push(job);
    this.#deal();
    return job.promise.finally(() => signal?.removeEventListener("abort", forget));
  }

  /** Ends all workers; what was asked for fails. */
  close() {
    this.#closed = true;
    const closed = new SmartSplatError("The picture is closed.");
    for (const member of this.#members) {
      member.worker.terminate();
      member.job?.fail(closed);
    }
    for (const job of this.#waiting) job.fail(closed);
    this.#members.clear();
    this.#ready.clear();
    this.#waiting = [];
  }

  /** Gives waiting requests to whoever is idle. */
  #deal() {
    for (const member of this.#ready) {
      if (this.#waiting.length === 0) return;
      if (!member.job) this.#start(member, this.#waiting.shift());
    }
    const coming = this.#members.size - this.#ready.size;
    if (this.#waiting.length > coming && this.#members.size < this.most) this.#hire();
  }

  #start(member, job) {
    member.start(job, this.#sources[job.file]);
    if (!member.job) this.#deal(); // it could not be sent
  }

  #hire() {
    let member;
    try {
      member = hired();
    } catch (error) {
      if (this.#members.size === 0) this.#refuse(error);
      else this.most = this.#members.size; // those that are there must do
      return;
    }
    this.#members.add(member);
    member.onidle = () => {
      this.#ready.add(member);
      this.#deal();
    };
    member.onlost = (text) => {
      const error = new DecoderError(text);
      if (!member.started && this.#members.size === 1) this.#refuse(error);
      else if (!member.started) this.most = this.#members.size - 1; // those that are there must do
      this.#lose(member, error);
    };
    if (member.started) member.onidle();
    else this.#deal(); // more may be needed
  }

  #lose(member, error) {
    member.worker.terminate();
    this.#members.delete(member);
    this.#ready.delete(member);
    member.job?.fail(error);
    member.job = null;
    if (!this.#closed) this.#deal();
  }

  #refuse(error) {
    for (const job of this.#waiting) job.fail(error);
    this.#waiting = [];
  }

  #forget(job, reason) {
    job.fail(reason);
    job.wanted = false;
    this.#waiting = this.#waiting.filter((other) => other !== job);
    const member = [...this.#ready].find((other) => other.job === job);
    if (member) setTimeout(() => this.#hurry(member, job), PATIENCE);
  }

  /** Ends a worker that is still at a request that nobody wants, if others wait for it. */
  #hurry(member, job) {
    if (member.job === job && this.#waiting.length > 0) this.#lose(member, new DecoderError("It took too long."));
  }
}
