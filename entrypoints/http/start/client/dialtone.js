/**
 * Sign in by phone, stay signed in in all tabs, and upload images.
 *
 * One file without dependencies. Import it from the service, or copy it into your app:
 *
 *     import { Dialtone } from "https://api.example.org/client/dialtone.js";
 *     const dialtone = new Dialtone({ url: "https://api.example.org" });
 *
 * The rules that it keeps are in docs/mobile.md, a guide for web apps is docs/web.md.
 */

/** An access token with less time left is exchanged before it is used. */
const EARLY_REFRESH_MS = 60_000;
/** Other tabs wait for a refresh, so it cannot take for ever. */
const REFRESH_TIMEOUT_MS = 20_000;
/** A refresh that is sent twice is faster: its tab has been stopped by the browser. */
const LOCK_TIMEOUT_MS = 45_000;
/** A tab sees what another one stores some milliseconds later: they are different processes. */
const STORAGE_DELAY_MS = 100;
const REPEAT_DELAY_MS = 1_000;
const MAX_REPEAT_DELAY_MS = 30_000;
const MAX_UPLOAD_REPEATS = 3;
const MAX_PROOFS = 2;
/** Phones whose device tokens are kept: the last ones that signed in here. */
const MAX_PHONES = 5;
/** Fewer digits are no phone that can be told from others without its country code. */
const MIN_DIGITS = 7;

/**
 * What went wrong. `code` is that of the service's error response, or one of these:
 *
 * - `network_error`: there was no response, and nobody knows whether the request arrived.
 * - `unexpected_response`: the response is not one of the service, but perhaps of a proxy.
 * - `signed_out`: there is no session, or it has ended. Show the sign-in.
 * - `invalid_otp`: the code is wrong, expired or used before; `attempts_left` are left.
 * - `no_request`: `verifyOtp` without a `requestOtp` before it.
 *
 * Other fields of the response, such as `attempts_left`, are fields of the error.
 */
export class DialtoneError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {Record<string, unknown>} [fields]
   */
  constructor(code, message, fields = {}) {
    super(message);
    /** @type {string} */
    this.code = code;
    /** The status of the response; 0 if there was none. @type {number} */
    this.status = 0;
    /** Seconds until another attempt is useful. @type {number | undefined} */
    this.retry_after = undefined;
    /** The `X-Request-Id` of the response, for questions. @type {string | undefined} */
    this.request_id = undefined;
    /** @type {{ field: string, code: string, message: string }[]} */
    this.field_errors = [];
    Object.assign(this, fields);
    this.name = "DialtoneError";
  }
}

/**
 * A service, and the session that all tabs of this origin have there.
 *
 * It keeps nothing in memory that another tab can change. Each request reads the stored session, so
 * that a tab that has slept for days goes on with the latest tokens.
 *
 * The event `sessionchange` says that the user signed in, signed out or got another name, in this
 * tab or in another one.
 */
export class Dialtone extends EventTarget {
  #url;
  #storage;
  #prefix;
  #attest;
  /** The last request for a code of this tab; other tabs may sign in with other phones. */
  #requested;
  #shownUser;
  /** What the storage did not take, because it is full or blocked. Other tabs do not have it. */
  #unstored = new Map();
  /** @type {Promise<unknown>} */
  #lastTask = Promise.resolve();

  /** @param {import("./dialtone.d.ts").DialtoneOptions} options */
  constructor({ url, storage = openStorage(), prefix = "dialtone", attest }) {
    super();
    this.#url = url.replace(/\/+$/, "");
    this.#storage = storage;
    this.#prefix = prefix;
    this.#attest = attest;
    this.#requested = this.#load("request");
    this.#shownUser = this.#describeUser();
    // A tab that slept has missed the events of others.
    for (const event of ["storage", "pageshow", "visibilitychange"]) {
      globalThis.addEventListener?.(event, () => this.#announce());
    }
  }

  /** Who is signed in, or null. Another device may have ended the session: a request finds out. */
  get session() {
    const session = this.#load("session");
    if (!session) return null;
    const { user_id, username, session_expires_at } = session;
    return { user_id, username, expires_at: new Date(session_expires_at) };
  }

  /** The phone that a code was requested for, until the code expires; null if there is none. */
  get requested() {
    const requested = this.#requested;
    if (!requested || Date.now() >= requested.expires_at) return null;
    return { phone: requested.phone, expires_at: new Date(requested.expires_at) };
  }

  /**
   * Send a code to a phone, and remember the request for `verifyOtp`, also over a reload.
   *
   * With `attest`, the service may ask for a proof; it is made and sent at most twice.
   *
   * @param {import("./dialtone.d.ts").OtpRequest} request
   * @returns {Promise<import("./dialtone.d.ts").OtpRequested>}
   */
  async requestOtp(request) {
    const body = { ...request, device_token: this.#findDeviceToken(request.phone) };
    const result = await this.#postWithProof("/auth/request-otp", body);
    const expires_at = Date.now() + result.expires_in * 1000;
    this.#requested = { phone: request.phone, request_id: result.request_id, expires_at };
    this.#save("request", this.#requested);
    return result;
  }

  /**
   * Sign in with the code of the last `requestOtp`.
   *
   * @param {import("./dialtone.d.ts").OtpVerification} verification
   * @returns {Promise<import("./dialtone.d.ts").User>}
   */
  async verifyOtp({ otp, device }) {
    if (!this.#requested) throw new DialtoneError("no_request", "Request a code first.");
    const { phone, request_id } = this.#requested;
    const device_token = this.#findDeviceToken(phone);
    const body = { phone, otp, request_id, device, device_token, refresh: true };
    // The service completes or repeats a login whose response was lost.
    const result = await repeatOnce(() => this.#post("/auth/verify-otp", body, "success"));
    const { user_id, username } = result;
    this.#save("session", { user_id, username, ...toStoredTokens(result) });
    this.#saveDeviceToken(phone, result.device_token);
    this.#requested = null;
    this.#save("request", null);
    this.#announce();
    return { user_id, username };
  }

  /**
   * Send a request with the access token, like the function `fetch`.
   *
   * The token is refreshed before it expires, and after a 401, and then the request is repeated. A
   * body that is a stream cannot be sent twice.
   *
   * @param {string} path A path of the service, or a URL below its own.
   * @param {RequestInit} [init]
   * @returns {Promise<Response>} Also that of an error.
   */
  async fetch(path, init = {}) {
    const url = this.#resolve(path);
    return this.#withToken(
      (token) => {
        const headers = new Headers(init.headers);
        headers.set("Authorization", `Bearer ${token}`);
        return send(url, { ...init, headers });
      },
      !(init.body instanceof ReadableStream),
    );
  }

  /**
   * Send JSON with the access token, and return the JSON of the response, or null if it has none.
   *
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>}
   */
  async request(method, path, body) {
    const result = await readBody(await this.fetch(path, toJsonRequest(method, body)));
    if (path === "/users/me" && result?.username) this.#rename(result);
    return result;
  }

  /**
   * Upload an image for the user who is signed in.
   *
   * After a network error or a 503 it is repeated with the same key, so that there is one item.
   *
   * @param {Blob} file
   * @param {import("./dialtone.d.ts").UploadOptions} [options]
   * @returns {Promise<any>} The item.
   */
  async upload(file, options = {}) {
    const { category, onProgress, onRepeat, idempotencyKey = makeKey(), signal } = options;
    const url = this.#resolve("/library/upload");
    // If somebody else signs in between two attempts, the service rejects the upload.
    const { user_id } = this.#load("session") ?? throwSignedOut();
    for (let repeats = 0; ; repeats++) {
      const form = new FormData();
      form.append("user_id", user_id);
      if (category != null) form.append("category", category);
      form.append("file", file, file instanceof File ? file.name : "image");
      try {
        const response = await this.#withToken((token) => {
          const headers = { Authorization: `Bearer ${token}`, "Idempotency-Key": idempotencyKey };
          return sendForm(url, headers, form, onProgress, signal);
        });
        return await readBody(response);
      } catch (error) {
        if (!isUploadRepeatable(error) || repeats === MAX_UPLOAD_REPEATS) throw error;
        const delay = error.retry_after ? error.retry_after * 1000 : REPEAT_DELAY_MS * 2 ** repeats;
        // A repeat before that time would get the same error.
        if (delay > MAX_REPEAT_DELAY_MS) throw error;
        onRepeat?.(error);
        await wait(delay, signal);
      }
    }
  }

  /**
   * End this session, those of the user on `others`, or `all` of them.
   *
   * Without a connection, `this` signs out on this device all the same, and throws.
   *
   * @param {{ scope?: "this" | "others" | "all" }} [options]
   */
  async signOut({ scope = "this" } = {}) {
    const session = this.#load("session");
    if (!session) return;
    if (scope === "this") {
      // First, so that no tab uses it. A refresh under way finds none, and drops its result.
      this.#end(session);
      await this.#post("/auth/logout", { scope, refresh_token: session.refresh_token });
      return;
    }
    await this.request("POST", "/auth/logout", { scope });
    if (scope === "all") this.#end(this.#load("session"));
  }

  /**
   * Send a request with a valid access token; after a 401, once again with another one.
   *
   * @param {(token: string) => Promise<Response>} sendWith
   */
  async #withToken(sendWith, canRepeat = true) {
    const session = await this.#freshSession();
    const response = await sendWith(session.access_token);
    if (response.status !== 401 || !canRepeat) return response;
    const next = await this.#freshSession(session.access_token);
    // Somebody else signed in in another tab: this request is not theirs.
    if (next.user_id !== session.user_id) throwSignedOut();
    return sendWith(next.access_token);
  }

  /**
   * Return the session with an access token that does not expire now and is not the rejected one.
   *
   * @param {string} [rejected]
   */
  async #freshSession(rejected) {
    const find = () => {
      const session = this.#load("session") ?? throwSignedOut();
      const isFresh = session.access_token !== rejected && Date.now() < session.refresh_at;
      return { session, isFresh };
    };
    const stored = find();
    if (stored.isFresh) return stored.session;
    return this.#withLock(async () => {
      // While this tab waited for the lock, another one may have refreshed the session.
      await wait(STORAGE_DELAY_MS);
      const { session, isFresh } = find();
      if (isFresh) return session;
      try {
        return await this.#refresh(session);
      } catch (error) {
        const isValid = session.access_token !== rejected && Date.now() < session.expires_at;
        if (isValid && hasCode(error) && error.code !== "signed_out") return session;
        throw error;
      }
    });
  }

  /**
   * Exchange the refresh token, and store the next one before anybody uses it.
   *
   * A lost response is repeated with the same token: the service returns the same successor, or
   * another one if that has never been used. Only a 401 of the service ends the session.
   */
  async #refresh(session) {
    const { refresh_token } = session;
    const isReplaced = () => this.#load("session")?.refresh_token !== refresh_token;
    // The browser may stop this tab at each await, and another one goes on meanwhile. To send a
    // token that the other one has exchanged would end the session.
    const exchange = async () =>
      isReplaced()
        ? null
        : this.#post("/auth/refresh", { refresh_token }, "refresh_token", REFRESH_TIMEOUT_MS);
    let tokens;
    try {
      tokens = await repeatOnce(exchange);
    } catch (error) {
      if (hasCode(error) && error.status === 401 && error.code === "unauthenticated") {
        if (!isReplaced()) this.#end(session);
        return this.#load("session") ?? throwSignedOut();
      }
      throw error;
    }
    // If another tab went on, or the user signed out, that counts and not this result.
    if (tokens && !isReplaced()) this.#save("session", { ...session, ...toStoredTokens(tokens) });
    return this.#load("session") ?? throwSignedOut();
  }

  /** Forget the session in all tabs, unless another one has replaced it. */
  #end(session) {
    if (session && this.#load("session")?.refresh_token !== session.refresh_token) return;
    this.#save("session", null);
    this.#announce();
  }

  /**
   * Run a task while no tab of this origin runs another one with the lock.
   *
   * Browsers have locks on pages with https and on localhost. Elsewhere only this tab is exclusive.
   *
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  async #withLock(task) {
    const locks = globalThis.navigator?.locks;
    if (!locks) return this.#withPageLock(task);
    const name = `${this.#prefix}.session`;
    try {
      return await locks.request(name, { signal: AbortSignal.timeout(LOCK_TIMEOUT_MS) }, task);
    } catch (error) {
      const reason = error instanceof DOMException ? error.name : "";
      if (reason === "TimeoutError") return locks.request(name, { steal: true }, task);
      // The browser stopped this tab for so long that another one took the lock.
      if (reason === "AbortError") return this.#withLock(task);
      // The user blocks storage, and with it locks. No other tab has this session.
      if (reason === "SecurityError") return this.#withPageLock(task);
      throw error;
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} task
   * @returns {Promise<T>}
   */
  #withPageLock(task) {
    const result = this.#lastTask.then(task);
    this.#lastTask = result.catch(() => {});
    return result;
  }

  async #postWithProof(path, body) {
    if (!this.#attest) return this.#post(path, body, "request_id");
    let attestation = {};
    for (let proofs = 0; ; proofs++) {
      try {
        return await this.#post(path, { ...body, attestation }, "request_id");
      } catch (error) {
        const isRequired = hasCode(error) && error.code === "attestation_required";
        if (!isRequired || proofs === MAX_PROOFS) throw error;
        const { attestation: challenges } = /** @type {any} */ (error);
        const proof = await this.#attest(challenges);
        if (!proof) throw error;
        attestation = proof;
      }
    }
  }

  /** Send JSON without an access token. A response of the service has the expected field. */
  async #post(path, body, expected, timeout) {
    const response = await send(this.#resolve(path), toJsonRequest("POST", body), timeout);
    const result = await readBody(response);
    if (expected && result?.[expected] === undefined) throw unexpectedResponse(response);
    if (result?.success === false) {
      const { message, attempts_left } = result;
      throw new DialtoneError("invalid_otp", message, { ...toFields(response), attempts_left });
    }
    return result;
  }

  #resolve(path) {
    const url = path.startsWith("/") ? this.#url + path : path;
    // Nobody else may get the access token.
    if (url.startsWith(`${this.#url}/`)) return url;
    throw new TypeError(`${path} is not a path of the service.`);
  }

  #rename({ _id, username }) {
    const session = this.#load("session");
    if (session?.user_id !== _id || session.username === username) return;
    this.#save("session", { ...session, username });
    this.#announce();
  }

  #describeUser() {
    const session = this.#load("session");
    return session && JSON.stringify([session.user_id, session.username]);
  }

  #announce() {
    const user = this.#describeUser();
    if (user === this.#shownUser) return;
    this.#shownUser = user;
    this.dispatchEvent(new Event("sessionchange"));
  }

  #findDeviceToken(phone) {
    const tokens = Object.entries(this.#load("devices") ?? {});
    return tokens.find(([stored]) => isSamePhone(stored, phone))?.[1];
  }

  #saveDeviceToken(phone, token) {
    const tokens = Object.entries(this.#load("devices") ?? {});
    const others = tokens.filter(([stored]) => !isSamePhone(stored, phone));
    const kept = [...others, [phone, token]].slice(-MAX_PHONES);
    this.#save("devices", Object.fromEntries(kept));
  }

  /** Return a stored value; null if there is none, or not one that this module stores. */
  #load(name) {
    const text = this.#storage.getItem(`${this.#prefix}.${name}`) ?? this.#unstored.get(name);
    const value = parseJson(text ?? "");
    return isStored[name](value) ? value : null;
  }

  #save(name, value) {
    const key = `${this.#prefix}.${name}`;
    this.#unstored.delete(name);
    if (value === null) return this.#storage.removeItem(key);
    try {
      this.#storage.setItem(key, JSON.stringify(value));
    } catch {
      // The former value may be a token that has just been exchanged.
      this.#storage.removeItem(key);
      this.#unstored.set(name, JSON.stringify(value));
    }
  }
}

const areTexts = (...values) => values.every((value) => typeof value === "string");
/** Another program, or another version of this module, may have changed what is stored. */
const isStored = {
  session: (value) =>
    areTexts(value?.user_id, value?.access_token, value?.refresh_token) &&
    value.session_expires_at > 0,
  request: (value) => areTexts(value?.phone, value?.request_id) && value.expires_at > 0,
  devices: (value) => value instanceof Object && areTexts(...Object.values(value)),
};

/** Return the storage of all tabs; of this page only where the user blocks it. */
function openStorage() {
  try {
    if (globalThis.localStorage) return globalThis.localStorage;
  } catch {
    // A SecurityError of the browser.
  }
  const values = new Map();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
}

/** The clock of the device may be wrong, so that only durations of the service count. */
function toStoredTokens({ access_token, refresh_token, expires_in, refresh_expires_in }) {
  const now = Date.now();
  const expires_at = now + expires_in * 1000;
  const refresh_at = expires_at - Math.min(EARLY_REFRESH_MS, expires_in * 500);
  const session_expires_at = now + refresh_expires_in * 1000;
  return { access_token, refresh_token, expires_at, refresh_at, session_expires_at };
}

/** Return whether two texts are one phone, with its country code or without. */
function isSamePhone(first, second) {
  const [left, right] = [toDigits(first), toDigits(second)];
  const isLong = Math.min(left.length, right.length) >= MIN_DIGITS;
  // The service ignores a token of another phone.
  return isLong && (left.endsWith(right) || right.endsWith(left));
}

const toDigits = (phone) =>
  String(phone).normalize("NFKC").replace(/\P{Nd}/gu, "").replace(/^0+/, "");

function toJsonRequest(method, body) {
  if (body === undefined) return { method };
  return { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** Send a request without cookies: the service sets none, and forbids them to other origins. */
async function send(url, init, timeout) {
  const signal = timeout ? AbortSignal.timeout(timeout) : init.signal;
  try {
    return await fetch(url, { ...init, signal, credentials: "omit" });
  } catch (error) {
    if (init.signal?.aborted) throw error; // by the app
    throw networkError(error);
  }
}

/** Send a form with `XMLHttpRequest`: `fetch` has no progress of uploads. */
function sendForm(url, headers, form, onProgress, signal) {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal?.addEventListener("abort", abort);
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    request.onload = () => {
      const { status, responseText } = request;
      const names = ["Content-Type", "Retry-After", "X-Request-Id"];
      const found = names.map((name) => [name, request.getResponseHeader(name) ?? ""]);
      resolve(new Response(responseText || null, { status, headers: Object.fromEntries(found) }));
    };
    request.onerror = () => reject(networkError());
    request.onabort = () => reject(signal?.reason);
    if (onProgress) {
      request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    }
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(form);
  });
}

/** Return the JSON of a response, or null if it has no body; throws the error that it is. */
async function readBody(response) {
  const text = await response.text().catch((error) => {
    throw networkError(error);
  });
  const body = parseJson(text);
  if (response.ok && body !== undefined) return body;
  if (response.ok || typeof body?.code !== "string") throw unexpectedResponse(response);
  const { error, code, message: _message, name: _name, stack: _stack, ...others } = body;
  const field_errors = Array.isArray(body.field_errors) ? body.field_errors : [];
  const messages = field_errors.map((invalid) => invalid.message);
  const fields = { ...others, ...toFields(response, body.retry_after), field_errors };
  throw new DialtoneError(code, error ?? messages.join(" "), fields);
}

function toFields({ status, headers }, retry_after) {
  return {
    status,
    retry_after: Number(retry_after ?? headers.get("Retry-After")) || undefined,
    request_id: headers.get("X-Request-Id") || undefined,
  };
}

function unexpectedResponse(response) {
  const message = `The response is not one of the service (status ${response.status}).`;
  return new DialtoneError("unexpected_response", message, toFields(response));
}

/** Return what the text is, null for an empty one, undefined for another format. */
function parseJson(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Run a task once more if it failed for a reason that may be over. */
async function repeatOnce(task) {
  try {
    return await task();
  } catch (error) {
    if (!isTransient(error)) throw error;
    await wait(REPEAT_DELAY_MS);
    return task();
  }
}

const hasCode = (error) => error instanceof DialtoneError;
const isTransient = (error) =>
  hasCode(error) && (error.code === "network_error" || [502, 503, 504].includes(error.status));
/** The first request may still be under way, although its connection is lost. */
const isUploadRepeatable = (error) =>
  isTransient(error) || (hasCode(error) && error.code === "upload_in_progress");

function networkError(cause) {
  const message = "The service did not respond. Check the connection.";
  return new DialtoneError("network_error", message, { cause });
}

function throwSignedOut() {
  throw new DialtoneError("signed_out", "The session has ended. Sign in again.", { status: 401 });
}

function wait(milliseconds, signal) {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Return 32 random hex digits. `crypto.randomUUID` exists on pages with https only. */
function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
