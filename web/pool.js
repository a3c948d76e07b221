// Workers that share the requests for one picture. Each has a decoder of its own and is started when all others are
// busy.
import { assets } from "./assets.js";
import { DecoderError, errorOf, SmartSplatError } from "./errors.js";

const PATIENCE = 500; // ms that a worker may stay at a request that nobody wants, while others wait

/** A worker and the request that it is at. */
class Member {
  /** @type {Job | null} */
  job = null;
  /** What went wrong before it belonged to a pool. */
  failure = "";
  onidle = () => {};
  onlost = (text) => (this.failure = text);

  constructor() {
    this.script = assets.worker;
    this.worker = new Worker(this.script, { type: assets.workerType });
    this.worker.onmessage = ({ data }) => {
      const { job } = this;
      this.job = null;
      if (data.error) job?.fail(errorOf(data.error.kind, data.error.text));
      else job?.finish(data.result);
      this.onidle();
    };
    this.worker.onerror = (event) => {
      event.preventDefault?.();
      this.onlost(`The worker failed: ${event.message || "it could not be started"}.`);
    };
  }

  start(job) {
    this.job = job;
    this.worker.postMessage({ call: job.call, given: job.given });
  }
}

/** @type {Member | null} the next worker that a pool hires: it loads its modules while the file is fetched */
let next = null;

/** Starts a worker for whoever needs one next. */
export function prepareWorker() {
  next ??= new Member();
}

/** Ends it, when nothing can be opened. */
export function dismissWorker() {
  next?.worker.terminate();
  next = null;
}

function hired() {
  const member = next;
  next = null;
  if (member && !member.failure && member.script === assets.worker) return member;
  member?.worker.terminate();
  return new Member();
}

/** A request and whom it is for. */
class Job {
  constructor(call, given) {
    this.call = call;
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
  /** @type {Set<Member>} those that have opened the file */
  #ready = new Set();
  #closed = false;

  /**
   * @param {{module: WebAssembly.Module, file: Blob, memory: number}} source that each worker opens
   * @param {number} most workers
   */
  constructor(source, most) {
    this.source = source;
    this.most = most;
  }

  /** Starts the first worker: what the file says of itself. */
  open() {
    return this.#hire();
  }

  /**
   * Has a worker do something.
   *
   * @param {string} call
   * @param {object} given
   * @param {AbortSignal} [signal] until it is done
   * @returns {Promise<any>}
   */
  run(call, given, signal) {
    if (this.#closed) return Promise.reject(new SmartSplatError("The picture is closed."));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const job = new Job(call, given);
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
      if (!member.job) member.start(this.#waiting.shift());
    }
    const coming = this.#members.size - this.#ready.size;
    if (this.#waiting.length > coming && this.#members.size < this.most) {
      this.#hire().catch((error) => {
        if (this.#members.size === 0) this.#refuse(error);
        else this.most = this.#members.size; // those that are there must do
      });
    }
  }

  /** @returns {Promise<object>} what the file says of itself */
  #hire() {
    const member = hired();
    member.onidle = () => this.#deal();
    member.onlost = (text) => this.#lose(member, new DecoderError(text));
    this.#members.add(member);
    const job = new Job("open", this.source);
    member.start(job);
    return job.promise.then(
      (info) => {
        this.#ready.add(member);
        this.#deal();
        return info;
      },
      (error) => {
        this.#lose(member, error);
        throw error;
      },
    );
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
