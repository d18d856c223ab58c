/**
 * Sign in by phone or with a passkey, stay signed in in all tabs, and upload images.
 *
 * One file without dependencies. Import it from the service, or copy it into your app:
 *
 *     import { Dialtone } from "https://api.example.org/client/dialtone.js";
 *     const dialtone = new Dialtone({ url: "https://api.example.org" });
 *
 * The rules that it keeps are in docs/mobile.md, a guide for web apps is docs/web.md.
 */

/** The version of the service that this file is from. */
export const VERSION = "$version";

/** An access token with less time left is exchanged before it is used. */
const EARLY_REFRESH_MS = 60_000;
/** Until the response is there. The service itself waits some ten seconds for a provider. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Other tabs wait for a refresh and its repeat. */
const REFRESH_TIMEOUT_MS = 20_000;
/** A `fetch` does not say how much of a file it has sent. */
const FILE_TIMEOUT_MS = 600_000;
/** Of an upload that shows its progress. The service stores an image within this time. */
const IDLE_TIMEOUT_MS = 90_000;
/** A refresh that is sent twice is faster: its tab has been stopped by the browser. */
const LOCK_TIMEOUT_MS = 45_000;
/** A tab sees what another one stores some milliseconds later: they are different processes. */
const STORAGE_DELAY_MS = 100;
/** A timer may come some milliseconds early. */
const TIMER_DELAY_MS = 20;
const REPEAT_DELAY_MS = 1_000;
const MAX_REPEAT_DELAY_MS = 30_000;
/** After a lost connection or an error of the service. */
const MAX_UPLOAD_REPEATS = 3;
/** The service rejects a third upload of a user. */
const MAX_UPLOADS = 2;
/**
 * An upload is repeated until others of the user end, or its own first request, whose connection
 * is lost, but which is under way all the same.
 */
const IN_PROGRESS = ["too_many_uploads", "upload_in_progress"];
const MAX_PROOFS = 2;
/** What may ask for a proof, if a request says that the app can make one. */
const PROOF_PATHS = ["/auth/request-otp", "/users/me/phone/request-otp"];
/** What ends all sessions of the user. */
const ENDS = ["DELETE /USERS/ME"];
/** A page offers passkeys for hours, and a challenge is valid for minutes: then it gets another. */
const CHALLENGE_SHARE = 0.9;
/** How often it looks at the clock: timers stop while the computer sleeps. */
const CLOCK_DELAY_MS = 1_000;
/** Phones whose device tokens are kept: the last ones that signed in here. */
const MAX_PHONES = 5;
/** Sessions whose sign-out has not arrived: the service keeps as many of a user. */
const MAX_ENDED = 20;
/** Fewer digits are no phone that can be told from others without its country code. */
const MIN_DIGITS = 7;
/** That of somebody who signed in with a passkey. */
const UNKNOWN_PHONE = "";
/** Older versions of React Native know no properties of Unicode. */
const NO_DIGITS = attempt(() => new RegExp("\\P{Nd}", "gu"), () => /\D/g);

/**
 * What went wrong. `code` is that of the service's error response, or one of these:
 *
 * - `network_error`: there was no response in time, and the request may have arrived. The browser
 *   shows a page of another origin nothing else either if `DIALTONE_WEB_ORIGINS` lacks it: then
 *   the `hint` for developers, which is not for users, names that setting.
 * - `unexpected_response`: the response is not one of the service, but perhaps of a proxy.
 * - `signed_out`: there is no session, or it has ended. Show the sign-in.
 * - `invalid_otp`: the code is wrong, expired or used before; `attempts_left` are left.
 * - `no_request`: `verifyOtp` without a `requestOtp` before it.
 * - `aborted`: the app has aborted its `signal`, whose reason is `cause`.
 * - `closed`: the app has called `close`.
 * - `storage_error`: the storage failed, with `cause`. The user stays signed in.
 * - `passkeys_unsupported`: this browser or this page has no passkeys; they need https or localhost.
 * - `passkey_cancelled`: the user has stopped it, waited too long or has no passkey that fits; or another
 *   question for one began, or somebody signed in.
 * - `passkey_exists`: this device has a passkey of the user already.
 * - `passkey_failed`: the browser refused, with `cause`: the page may be of another domain.
 * - `attestation_failed`: the function `attest` of the app failed, with `cause`.
 * - `invalid_argument`: an argument is wrong, or another function of the app failed, with `cause`.
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
    /** Of `too_many_attempts`: seconds until a new code. @type {number | undefined} */
    this.resend_in = undefined;
    /** The `X-Request-Id` of the response, for questions. @type {string | undefined} */
    this.request_id = undefined;
    /** For developers, not for users. @type {string | undefined} */
    this.hint = undefined;
    /** @type {{ field: string, code: string, message: string }[]} */
    this.field_errors = [];
    Object.assign(this, fields);
    this.name = "DialtoneError";
  }
}

/** Older versions of React Native have no events of this kind. */
const Target = /** @type {typeof EventTarget} */ (
  globalThis.EventTarget ??
    class {
      /** By type: each listener, and whether it is called once. */
      #listeners = { sessionchange: new Map(), requestedchange: new Map() };
      addEventListener(type, listener, options) {
        this.#listeners[type]?.set(listener, options?.once);
      }
      removeEventListener(type, listener) {
        this.#listeners[type]?.delete(listener);
      }
      dispatchEvent(event) {
        const listeners = this.#listeners[event.type];
        for (const [listener, isOnce] of [...listeners]) {
          if (isOnce) listeners.delete(listener);
          // Its error is not one of the method that has changed the session.
          attempt(() => listener(event), (error) => setTimeout(() => throwError(error)));
        }
      }
    }
);
/** What a page gets when other tabs may have stored something, or it was asleep meanwhile. */
const PAGE_EVENTS = ["storage", "pageshow", "visibilitychange"];

/**
 * A service, and the session that all tabs of this origin have there.
 *
 * It keeps nothing in memory that another tab can change. Each request reads the stored session, so
 * that a tab that has slept for days goes on with the latest tokens.
 *
 * The event `sessionchange` says that the user signed in, signed out or got another name, and
 * `requestedchange` that a code was requested, cancelled or used, or has expired; in this tab or in
 * another one.
 */
export class Dialtone extends Target {
  #url;
  #stored;
  #prefix;
  #attest;
  /** What `session` returned last. @type {any} */
  #session = null;
  /** What `requested` returned last. @type {any} */
  #requested = null;
  #requestedKey = "";
  /** The call that asks for a passkey, until the answer is there. @type {any} */
  #question;
  /** What the last events were about. */
  #shown = { sessionchange: null, requestedchange: null };
  #expiryTimer;
  /** @type {Promise<unknown>} */
  #lastTask = Promise.resolve();
  /** The calls of methods that have not returned. */
  #running = new Set();
  #uploadCount = 0;
  /** What starts the uploads that wait for others, in order. */
  #waitingUploads = new Set();
  /** @type {Promise<number> | undefined} */
  #maxFileBytes;
  #isClosed = false;
  /** One for all calls: Node.js warns of more than ten listeners of a signal. */
  #onAbort = () => {
    for (const { appSignal, stop } of this.#running) {
      if (appSignal?.aborted) stop(abortedError(appSignal));
    }
  };
  // A request throws the error that the storage has.
  #onPageEvent = () => void this.#read().catch(() => {});

  /** @param {import("./dialtone.d.ts").DialtoneOptions} options */
  constructor(options) {
    super();
    const { url, storage = openStorage(), prefix = "dialtone", attest } = options ?? {};
    // After an empty one, the path //example.org would be another host.
    this.#url = String(url).replace(/\/+$/, "") || globalThis.location?.origin;
    check(/^(https?:\/|\/)/i.test(this.#url), "url is not one of http or https.");
    for (const name of ["getItem", "setItem", "removeItem"]) {
      check(typeof storage?.[name] === "function", `storage has no function ${name}.`);
    }
    check(attest == null || typeof attest === "function", "attest is not a function.");
    this.#stored = new StoredValues(storage, prefix);
    this.#prefix = prefix;
    this.#attest = attest;
    /** When `session` and `requested` are known, which an asynchronous storage takes time for. */
    this.ready = this.#read();
    this.ready.catch(() => {}); // for apps that do not wait for it
    for (const event of PAGE_EVENTS) globalThis.addEventListener?.(event, this.#onPageEvent);
  }

  /**
   * Who is signed in, or null. Another device may have ended the session: a request finds out.
   *
   * It is the same object until it changes, as `useSyncExternalStore` of React needs it.
   */
  get session() {
    const session = this.#stored.load("session");
    if (!session) return null;
    const { user_id, username, session_expires_at } = session;
    const key = JSON.stringify([user_id, username, session_expires_at]);
    if (this.#session?.key !== key) {
      const expires_at = new Date(session_expires_at);
      this.#session = { key, value: Object.freeze({ user_id, username, expires_at }) };
    }
    return this.#session.value;
  }

  /**
   * The last request for a code, of any tab, until its code is used or expires; null if there is none.
   *
   * It is the same object until it changes.
   */
  get requested() {
    const stored = this.#stored.load("request");
    if (!stored || Date.now() >= stored.expires_at) return null;
    const key = `${stored.request_id} ${stored.resend_at}`;
    if (this.#requestedKey !== key) {
      this.#requestedKey = key;
      this.#requested = toRequested(stored);
    }
    return this.#requested;
  }

  /**
   * Send a code to a phone, and remember the request for `verifyOtp`, also over a reload.
   *
   * With `attest`, the service may ask for a proof; it is made and sent at most twice.
   *
   * @param {import("./dialtone.d.ts").OtpRequest} request
   * @param {import("./dialtone.d.ts").CallOptions} [options]
   * @returns {Promise<import("./dialtone.d.ts").OtpRequested>}
   */
  requestOtp(request, options) {
    return this.#run(async ({ signal }) => {
      check(request?.phone != null, "requestOtp needs an object with the phone.");
      const { phone } = request;
      const body = { ...request, device_token: this.#findDeviceToken(phone) };
      const expected = "request_id";
      const result = await this.#send("POST", "/auth/request-otp", body, { signal, expected });
      const now = Date.now();
      const { expires_in, resend_in } = result;
      const former = this.requested;
      // Nothing was sent: the id of the message before has more attempts.
      const isKept = !result.sent && former && isSamePhone(former.phone, phone);
      const stored = {
        phone,
        request_id: isKept ? former.request_id : result.request_id,
        expires_at: isKept ? former.expires_at.getTime() : now + expires_in * 1000,
        resend_at: now + resend_in * 1000,
      };
      const written = this.#stored.save("request", stored);
      this.#announce();
      await written;
      return result;
    }, options?.signal);
  }

  /** Forget the last request for a code, in all tabs: the user wants to use another number. */
  cancelRequest() {
    return this.#run(async () => {
      const written = this.#stored.save("request", null);
      this.#announce();
      await written;
    });
  }

  /**
   * Sign in with the code of the last `requestOtp`.
   *
   * Afterwards it ends the session that was stored before, as `signOut` does, and each session of this
   * user whose sign-out here has not arrived.
   *
   * @param {import("./dialtone.d.ts").OtpVerification} verification
   * @param {import("./dialtone.d.ts").CallOptions} [options]
   * @returns {Promise<import("./dialtone.d.ts").User>}
   */
  verifyOtp(verification, options) {
    return this.#run(async ({ signal }) => {
      check(verification?.otp != null, "verifyOtp needs an object with the otp.");
      const { otp, device } = verification;
      const requested = this.#stored.load("request");
      if (!requested) throw new DialtoneError("no_request", "Request a code first.");
      const { phone, request_id } = requested;
      const device_token = this.#findDeviceToken(phone);
      const body = { phone, otp, request_id, device, device_token, refresh: true };
      // The service completes or repeats a login whose response was lost.
      const result = await repeatOnce(() =>
        this.#send("POST", "/auth/verify-otp", body, { signal, expected: "success" }),
      );
      return this.#startSession(result, () => this.#saveDeviceToken(phone, result.device_token));
    }, options?.signal);
  }

  /**
   * Sign in with a passkey of this device or of another one, without a number.
   *
   * With `conditional`, the browser offers passkeys where an input has `autocomplete="… webauthn"`,
   * until the user takes one, `signal` is aborted, somebody signs in, also in another tab, or another
   * question for a passkey begins. A browser that cannot do that throws `passkeys_unsupported`.
   *
   * @param {import("./dialtone.d.ts").PasskeySignIn} [signIn]
   * @param {import("./dialtone.d.ts").CallOptions} [options]
   * @returns {Promise<import("./dialtone.d.ts").User>}
   */
  signInWithPasskey(signIn, options) {
    return this.#run(async (call) => {
      const { device, conditional } = signIn ?? {};
      const path = "/auth/passkey";
      const sending = { signal: call.signal };
      const credential = await this.#askForPasskey(call, "get", path, sending, conditional);
      // The user is not known before: most devices have one.
      const [device_token] = Object.values(this.#stored.load("devices") ?? {}).slice(-1);
      const body = { credential, device, device_token };
      // Not repeated: an answer is right once.
      const result = await this.#send("POST", path, body, { ...sending, expected: "success" });
      const isKnown = result.device_token === device_token;
      return this.#startSession(result, () => {
        if (!isKnown) return this.#saveDeviceToken(UNKNOWN_PHONE, result.device_token);
      });
    }, options?.signal);
  }

  /**
   * Add a passkey of this device for the user, who has signed in within the last 15 minutes.
   *
   * A sign-out ends it.
   *
   * @param {{ name?: string }} [passkey] Without a name it gets that of the device.
   * @param {import("./dialtone.d.ts").CallOptions} [options]
   * @returns {Promise<import("./dialtone.d.ts").Passkey>}
   */
  addPasskey(passkey, options) {
    return this.#run(async (call) => {
      call.user_id = this.session?.user_id;
      const path = "/users/me/passkeys";
      const sending = { signal: call.signal, withToken: true };
      const credential = await this.#askForPasskey(call, "create", path, sending);
      const body = { credential, name: passkey?.name };
      return this.#send("POST", path, body, { ...sending, expected: "id" });
    }, options?.signal);
  }

  /**
   * Return an access token that is valid now, for a backend of the app: see docs/tokens.md.
   *
   * @param {import("./dialtone.d.ts").CallOptions & { refresh?: boolean }} [options]
   *   With `refresh`, another token than before: after a 401 of that backend.
   * @returns {Promise<string>}
   */
  accessToken(options) {
    return this.#run(async () => {
      const rejected = options?.refresh ? this.#stored.load("session")?.access_token : undefined;
      const session = await this.#freshSession(rejected);
      return (session ?? throwSignedOut()).access_token;
    }, options?.signal);
  }

  /**
   * Send a request with the access token, like the function `fetch`.
   *
   * The token is refreshed before it expires, and after a 401, and then the request is repeated. A
   * body that is a stream cannot be sent twice. Without a session, it is sent without a token.
   *
   * @param {string} path A path of the service, or a URL below its own.
   * @param {RequestInit} [init]
   * @returns {Promise<Response>} Also that of an error.
   */
  fetch(path, init) {
    return this.#run(({ signal }) => this.#fetch(path, init ?? {}, { signal }), init?.signal);
  }

  /**
   * Send JSON with the access token, and return the JSON of the response, or null if it has none.
   *
   * With `attest`, it makes and sends a proof where the service asks for one.
   *
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @param {import("./dialtone.d.ts").CallOptions} [options]
   * @returns {Promise<any>}
   */
  request(method, path, body, options) {
    return this.#run(async ({ signal }) => {
      const result = await this.#send(method, path, body, { signal, withToken: true });
      if (path === "/users/me" && result?.username) await this.#rename(result);
      // The response has no name, and the service may have written it in another way.
      if (path === "/users" && result?.user_id === this.session?.user_id) {
        const me = this.#send("GET", "/users/me", undefined, { signal, withToken: true });
        await me.then((user) => this.#rename(user)).catch(() => {});
      }
      return result;
    }, options?.signal);
  }

  /**
   * Upload an image for the user who is signed in.
   *
   * Two uploads run at a time, in the order of the calls. After a network error or a 503 it is
   * repeated with the same key, so that there is one item; and, until `signal` is aborted, while
   * other tabs or devices of the user upload. A sign-out ends it.
   *
   * @param {import("./dialtone.d.ts").UploadFile} file
   * @param {import("./dialtone.d.ts").UploadOptions} [options]
   * @returns {Promise<any>} The item.
   */
  upload(file, options) {
    return this.#run(async (call) => {
      const { user_id } = this.#stored.load("session") ?? throwSignedOut();
      call.user_id = user_id;
      check(file, "upload needs a file.");
      const { category, onProgress, onRepeat, idempotencyKey } = options ?? {};
      const { name, size = 0 } = /** @type {any} */ (file);
      const form = new FormData();
      form.append("user_id", user_id);
      if (category != null) form.append("category", category);
      form.append("file", /** @type {any} */ (file), name || "image");
      const headers = new Headers({ "Idempotency-Key": idempotencyKey ?? makeKey() });
      onProgress?.(0, size);
      await this.#checkSize(size);
      const send = (token) => {
        headers.set("Authorization", `Bearer ${token}`);
        const url = this.#resolve("/library/upload");
        return sendForm(url, headers, form, size, onProgress, call.signal);
      };
      return this.#inTurn(call.signal, async () => {
        for (let repeats = 0; ; ) {
          try {
            return readBody(await this.#withToken(send, user_id));
          } catch (error) {
            if (call.signal.aborted) throw error;
            const delay = (error.retry_after ?? 2 ** repeats) * 1000;
            if (!IN_PROGRESS.includes(error.code)) {
              // A repeat before that time would get the same error.
              const isTooLong = delay > MAX_REPEAT_DELAY_MS;
              if (!isTransient(error) || isTooLong || repeats === MAX_UPLOAD_REPEATS) throw error;
              repeats++;
            }
            onRepeat?.(error);
            onProgress?.(0, size);
            // Other tabs and devices have got the same error at the same time.
            await wait(delay * (1 + Math.random() / 2), call.signal);
          }
        }
      });
    }, options?.signal);
  }

  /**
   * End this session, those of the user on `others`, or `all` of them.
   *
   * Without a connection, `this` signs out on this device all the same, and throws. The device keeps no
   * token of the session, but its id: the next sign-in of the user here ends it at the service. With
   * `forget`, the device keeps no such id, no phones and no device tokens, also if nobody is signed in.
   *
   * @param {import("./dialtone.d.ts").SignOutOptions} [options]
   */
  signOut(options) {
    return this.#run(async ({ signal }) => {
      const { scope = "this", forget } = options ?? {};
      const session = this.#stored.load("session");
      const forgotten = forget && this.#forgetUsers();
      if (session && scope === "this") {
        try {
          // First, so that no tab uses it. A refresh under way finds none, and drops its result.
          await Promise.all([this.#end(session), forgotten]);
        } finally {
          await this.#endRemotely(session, !forget);
        }
        return;
      }
      await forgotten;
      if (!session) return;
      await this.#send("POST", "/auth/logout", { scope }, { signal, withToken: true });
      if (scope === "all") await this.#end(this.#stored.load("session"));
    }, options?.signal);
  }

  /**
   * End what runs and what waits, with the error `closed`, and look at other tabs no more.
   *
   * The session remains. Later calls of methods throw `closed` too. What was sent may arrive.
   */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#expiryTimer);
    for (const event of PAGE_EVENTS) globalThis.removeEventListener?.(event, this.#onPageEvent);
    for (const call of this.#running) call.stop(closedError());
  }

  /**
   * Run what a method does until it ends, the app aborts it, or this object is closed.
   *
   * @template T
   * @param {(call: { signal: AbortSignal, user_id?: string }) => Promise<T>} task
   *   A sign-out of its `user_id` ends it too.
   * @param {AbortSignal | null} [signal]
   * @returns {Promise<T>}
   * @throws {DialtoneError} and nothing else.
   */
  async #run(task, signal) {
    if (this.#isClosed) throw closedError();
    if (signal?.aborted) throw abortedError(signal);
    const controller = new AbortController();
    const { signal: ended } = controller;
    const call = { signal: ended, appSignal: signal, user_id: undefined, stop: throwError };
    const stopped = new Promise((_, reject) => {
      call.stop = (error) => {
        reject(error);
        controller.abort();
      };
    });
    const start = async () => {
      if (this.#stored.isAsynchronous) await this.#read();
      return task(call);
    };
    this.#running.add(call);
    try {
      signal?.addEventListener("abort", this.#onAbort);
      return await Promise.race([stopped, start()]);
    } catch (error) {
      if (hasCode(error)) throw error;
      throw new DialtoneError("invalid_argument", toText(error), { cause: error });
    } finally {
      this.#running.delete(call);
      const isUsed = [...this.#running].some(({ appSignal }) => appSignal === signal);
      if (!isUsed) signal?.removeEventListener?.("abort", this.#onAbort);
    }
  }

  /** Read what other processes stored in an asynchronous storage; another one is always read. */
  async #read() {
    if (this.#stored.isAsynchronous) await this.#stored.read();
    this.#announce();
  }

  /**
   * Run an upload as soon as fewer than two others run, in the order of the calls.
   *
   * @template T
   * @param {AbortSignal} signal
   * @param {() => Promise<T>} upload
   */
  async #inTurn(signal, upload) {
    if (this.#uploadCount < MAX_UPLOADS) this.#uploadCount++;
    else {
      await new Promise((resolve, reject) => {
        this.#waitingUploads.add(resolve);
        onAbort(signal, () => {
          this.#waitingUploads.delete(resolve);
          reject(networkError());
        });
      });
    }
    try {
      return await upload();
    } finally {
      const [next] = this.#waitingUploads;
      if (next) this.#waitingUploads.delete(next);
      else this.#uploadCount--;
      next?.();
    }
  }

  /** Throw the error that the service has for a large file. From a proxy it may be none at all. */
  async #checkSize(size) {
    this.#maxFileBytes ??= this.#loadMaxFileBytes();
    const limit = await this.#maxFileBytes;
    if (size <= limit) return;
    this.#maxFileBytes = undefined; // the operator may raise it, while a page is open for days
    const fields = { status: 413, limit };
    throw new DialtoneError("file_too_large", `The file is larger than ${limit} bytes.`, fields);
  }

  async #loadMaxFileBytes() {
    try {
      const { max_file_bytes } = await this.#send("GET", "/library/upload-limits");
      return Number(max_file_bytes) || Infinity;
    } catch {
      this.#maxFileBytes = undefined; // so that the next upload asks again
      return Infinity;
    }
  }

  /**
   * Send JSON, with a proof if the service asks for one, and return the JSON of the response.
   *
   * @param {string} method
   * @param {string} path
   * @param {any} [body]
   * @param {any} [options] A response of the service has the `expected` field.
   * @returns {Promise<any>}
   */
  async #send(method, path, body, { signal, withToken, expected, timeout, keepalive } = {}) {
    const attest = this.#attest;
    const url = this.#resolve(path);
    const takesProof = attest && PROOF_PATHS.some((each) => url === this.#url + each);
    let sent = takesProof ? { attestation: {}, ...body } : body;
    for (let proofs = 0; ; proofs++) {
      const init = { ...toJsonRequest(method, sent), keepalive };
      const options = { signal, isRead: true, timeout };
      const sending = withToken ? this.#fetch(path, init, options) : send(url, init, options);
      const response = await sending;
      try {
        return readBody(response, expected);
      } catch (error) {
        if (!attest || error.code !== "attestation_required" || proofs === MAX_PROOFS) throw error;
        const attestation = await attempt(() => attest(error.attestation), (cause) => {
          throw new DialtoneError("attestation_failed", toText(cause), { cause });
        });
        if (!attestation) throw error;
        sent = { ...body, attestation };
      }
    }
  }

  /**
   * Store the session of a login, and end the one that was stored before.
   *
   * Other tabs go on with the new one: they find it after a 401.
   */
  async #startSession(result, saveMore = () => {}) {
    const { user_id, username } = result;
    await this.#stored.read();
    const former = this.#stored.load("session");
    const writes = [
      this.#stored.save("session", { user_id, username, ...toStoredTokens(result) }),
      saveMore(),
      this.#stored.save("request", null),
    ];
    this.#announce();
    await Promise.all(writes);
    await this.#endFormerSessions(user_id);
    // A repeated login has the same session again.
    const isReplaced = former && former.refresh_token !== result.refresh_token;
    if (isReplaced) await this.#endRemotely(former).catch(() => {});
    return { user_id, username };
  }

  /**
   * Ask the browser for a passkey; it has one question at a time, so that the last one counts.
   *
   * @param {any} call
   * @param {"get" | "create"} ceremony
   * @param {string} path Below it are the options.
   * @param {any} sending
   * @param {boolean} [conditional]
   * @returns {Promise<any>} The credential as JSON.
   */
  async #askForPasskey(call, ceremony, path, sending, conditional = false) {
    this.#question?.stop(passkeyError());
    this.#question = call;
    call.asker = this.session?.user_id;
    await checkPasskeys(conditional);
    for (let isRepeat = false; ; isRepeat = true) {
      try {
        const expected = "publicKey";
        const options = { ...sending, expected };
        const { publicKey } = await this.#send("POST", `${path}/options`, undefined, options);
        const credential = await useAuthenticator(ceremony, publicKey, conditional, call.signal);
        if (!credential) continue;
        if (this.#question === call) this.#question = undefined;
        return credential;
      } catch (error) {
        // After its sleep, a computer has no network yet.
        if (!isRepeat || !isTransient(error)) throw error;
        await wait(MAX_REPEAT_DELAY_MS, call.signal);
      }
    }
  }

  /** Send a request with the access token. What ends the session at the service ends it here. */
  async #fetch(path, init, options) {
    const url = this.#resolve(path);
    const isStream = Boolean(init.body?.getReader ?? init.body?.[Symbol.asyncIterator]);
    // What `fetch` would throw for a wrong argument looks like a lost connection.
    if (!isStream) new Request(url, { ...init, signal: null });
    const user_id = this.session?.user_id;
    const sendWith = (token) => {
      const headers = new Headers(init.headers);
      if (token) headers.set("Authorization", `Bearer ${token}`);
      return send(url, { ...init, headers }, options);
    };
    const response = await this.#withToken(sendWith, undefined, !isStream);
    const isEnd = ENDS.includes(`${init.method} ${url.slice(this.#url.length)}`.toUpperCase());
    if (response.ok && isEnd && this.session?.user_id === user_id) {
      await this.#end(this.#stored.load("session"));
    }
    return response;
  }

  /**
   * Send a request with a valid access token; after a 401, once again with another one.
   *
   * @param {(token?: string) => Promise<any>} sendWith Without a session there is no token.
   * @param {string} [user_id] The user whom it is for; otherwise, who is signed in.
   */
  async #withToken(sendWith, user_id, canRepeat = true) {
    const session = await this.#freshSession();
    // Somebody else signed in, here or in another tab: this request is not theirs.
    if (user_id && session?.user_id !== user_id) throwSignedOut();
    const response = await sendWith(session?.access_token);
    if (response.status !== 401) return response;
    if (!session) throwSignedOut();
    if (!canRepeat) return response;
    const next = await this.#freshSession(session.access_token);
    if (next?.user_id !== session.user_id) throwSignedOut();
    return sendWith(next.access_token);
  }

  /**
   * Return the session with an access token that does not expire now and is not the rejected one.
   *
   * It is null if there is none, or it has ended.
   *
   * @param {string} [rejected]
   */
  async #freshSession(rejected) {
    const find = () => {
      const session = this.#stored.load("session");
      const isFresh =
        !session || (session.access_token !== rejected && Date.now() < session.refresh_at);
      return { session, isFresh };
    };
    const stored = find();
    if (stored.isFresh) return stored.session;
    return this.#withLock(async () => {
      // While this tab waited for the lock, another one may have refreshed the session.
      await wait(STORAGE_DELAY_MS);
      await this.#stored.read();
      const { session, isFresh } = find();
      if (isFresh) return session;
      try {
        return await this.#refresh(session);
      } catch (error) {
        const isValid = session.access_token !== rejected && Date.now() < session.expires_at;
        if (isValid && hasCode(error)) return session;
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
    const isReplaced = () => this.#stored.load("session")?.refresh_token !== refresh_token;
    // The browser may stop this tab at each await, and another one goes on meanwhile. To send a
    // token that the other one has exchanged would end the session.
    const exchange = async () => {
      await this.#stored.read();
      if (isReplaced()) return null;
      const options = { expected: "refresh_token", timeout: REFRESH_TIMEOUT_MS };
      return this.#send("POST", "/auth/refresh", { refresh_token }, options);
    };
    let tokens;
    try {
      tokens = await repeatOnce(exchange);
    } catch (error) {
      if (hasCode(error) && error.status === 401 && error.code === "unauthenticated") {
        await this.#stored.read();
        if (!isReplaced()) await this.#end(session);
        return this.#stored.load("session");
      }
      throw error;
    }
    await this.#stored.read();
    // If another tab went on, or the user signed out, that counts and not this result.
    if (tokens && !isReplaced()) {
      await this.#stored.save("session", { ...session, ...toStoredTokens(tokens) });
    }
    return this.#stored.load("session");
  }

  /** Forget the session in all tabs, unless another one has replaced it. */
  async #end(session) {
    if (session && this.#stored.load("session")?.refresh_token !== session.refresh_token) return;
    const written = this.#stored.save("session", null);
    this.#announce();
    await written;
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
      const reason = error.name;
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

  /**
   * End a session at the service that is stored here no more.
   *
   * Until that has arrived its id is kept, for `#endFormerSessions`. The browser sends the request also
   * if the page is closed meanwhile.
   */
  async #endRemotely({ user_id, access_token, refresh_token }, isKept = true) {
    const session_id = findSessionId(access_token);
    const added = { user_id, session_id };
    if (isKept && session_id) await this.#changeEnded((ended) => [...ended, added]);
    const body = { scope: "this", refresh_token };
    await this.#send("POST", "/auth/logout", body, { keepalive: true });
    if (isKept) await this.#forgetEnded([session_id]);
  }

  /** End the sessions of a user who is signed in now, whose sign-out here has not arrived. */
  async #endFormerSessions(user_id) {
    const ended = this.#stored.load("ended")?.filter((each) => each.user_id === user_id);
    if (!ended?.length) return;
    const end = async ({ session_id }) => {
      const url = this.#resolve(`/auth/sessions/${session_id}`);
      const sendWith = (token) => {
        const headers = { Authorization: `Bearer ${token}` };
        return send(url, { method: "DELETE", headers }, { isRead: true });
      };
      try {
        readBody(await this.#withToken(sendWith, user_id));
      } catch (error) {
        // The next sign-in tries it again.
        if (error.code !== "session_not_found") return null;
      }
      return session_id;
    };
    await this.#forgetEnded(await Promise.all(ended.map(end)));
  }

  #forgetEnded(ids) {
    const isLeft = ({ session_id }) => !ids.includes(session_id);
    return this.#changeEnded((ended) => ended.filter(isLeft));
  }

  /** Change which sign-outs have not arrived. Without them, a session ends by its age. */
  async #changeEnded(change) {
    try {
      await this.#stored.read();
      const ended = change(this.#stored.load("ended") ?? []).slice(-MAX_ENDED);
      await this.#stored.save("ended", ended.length > 0 ? ended : null);
    } catch {
      // The storage failed.
    }
  }

  #resolve(path) {
    const url = String(path).startsWith("/") ? this.#url + path : path;
    // Other hosts may not get the access token.
    check(String(url).startsWith(`${this.#url}/`), `${path} is not a path of the service.`);
    return url;
  }

  async #rename({ _id, username }) {
    const session = this.#stored.load("session");
    if (session?.user_id !== _id || session.username === username) return;
    const written = this.#stored.save("session", { ...session, username });
    this.#announce();
    await written;
  }

  /** Say who is signed in and what is requested, if that has changed; end what others began. */
  #announce() {
    const { session, requested } = this;
    for (const { user_id, stop } of this.#running) {
      if (user_id && user_id !== session?.user_id) stop(signedOutError());
    }
    if (session && session.user_id !== this.#question?.asker) this.#question?.stop(passkeyError());
    if (this.#isClosed) return;
    const user = session && JSON.stringify([session.user_id, session.username]);
    this.#dispatch("sessionchange", user);
    if (this.#dispatch("requestedchange", requested)) {
      clearTimeout(this.#expiryTimer);
      const left = requested ? requested.expires_at.getTime() - Date.now() : 0;
      if (requested) this.#expiryTimer = setTimeout(this.#onPageEvent, left + TIMER_DELAY_MS);
      this.#expiryTimer?.unref?.(); // Node.js need not wait for it
    }
  }

  /** Dispatch an event if what it is about has changed; return whether it has. */
  #dispatch(type, value) {
    if (value === this.#shown[type]) return false;
    this.#shown[type] = value;
    this.dispatchEvent(globalThis.Event ? new Event(type) : /** @type {any} */ ({ type }));
    return true;
  }

  async #forgetUsers() {
    const names = ["request", "devices", "ended"];
    const writes = names.map((name) => this.#stored.save(name, null));
    this.#announce();
    await Promise.all(writes);
  }

  #findDeviceToken(phone) {
    const tokens = Object.entries(this.#stored.load("devices") ?? {});
    return tokens.find(([stored]) => isSamePhone(stored, phone))?.[1];
  }

  #saveDeviceToken(phone, token) {
    const tokens = Object.entries(this.#stored.load("devices") ?? {});
    const others = tokens.filter(([each]) => each !== phone && !isSamePhone(each, phone));
    const kept = [...others, [phone, token]].slice(-MAX_PHONES);
    return this.#stored.save("devices", Object.fromEntries(kept));
  }
}

/**
 * The values of this module in a storage.
 *
 * One that returns promises is read before each use, by `read`, so that `load` need not wait.
 */
class StoredValues {
  #storage;
  #prefix;
  /** What an asynchronous storage has. */
  #known = new Map();
  /** What the storage did not take, because it is full or blocked. Other tabs do not have it. */
  #unstored = new Map();
  /** @type {Promise<unknown>} */
  #writes = Promise.resolve();
  #writeCount = 0;

  constructor(storage, prefix) {
    this.#storage = storage;
    this.#prefix = prefix;
    const found = attempt(() => this.#getItem("session"), () => null);
    this.isAsynchronous = isPromise(found);
  }

  /** Read an asynchronous storage; what is written meanwhile is newer. */
  async read() {
    if (!this.isAsynchronous) return;
    await this.#writes;
    const count = this.#writeCount;
    const names = Object.keys(isStored);
    const texts = await Promise.all(names.map((name) => this.#getItem(name)));
    if (count !== this.#writeCount) return;
    names.forEach((name, index) => this.#known.set(name, texts[index]));
  }

  /** Return a stored value; null if there is none, or not one that this module stores. */
  load(name) {
    const text = this.isAsynchronous ? this.#known.get(name) : this.#getItem(name);
    const value = parseJson(text ?? this.#unstored.get(name) ?? "");
    return isStored[name](value) ? value : null;
  }

  /** Store a value, or remove it if it is null. `load` has it before the promise is resolved. */
  async save(name, value) {
    const key = `${this.#prefix}.${name}`;
    const text = value === null ? null : JSON.stringify(value);
    const remove = () => attempt(() => this.#storage.removeItem(key), throwStorageError);
    const write = () => {
      this.#unstored.delete(name);
      if (text === null) return remove();
      return attempt(
        () => this.#storage.setItem(key, text),
        () => {
          this.#unstored.set(name, text);
          // The former value may be a token that has just been exchanged.
          return remove();
        },
      );
    };
    if (!this.isAsynchronous) return write();
    this.#known.set(name, text);
    this.#writeCount++;
    const written = this.#writes.then(write);
    this.#writes = written.catch(() => {});
    return written;
  }

  #getItem(name) {
    return attempt(() => this.#storage.getItem(`${this.#prefix}.${name}`), throwStorageError);
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
  ended: (value) =>
    Array.isArray(value) && value.every((each) => areTexts(each?.user_id, each?.session_id)),
};

/** Return the storage of all tabs; of this page only where the user blocks it. */
function openStorage() {
  try {
    // That of some versions of Node.js is an object without functions.
    const { localStorage } = globalThis;
    if (typeof localStorage?.getItem === "function") return localStorage;
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

/** Return the id in an access token; undefined where it cannot be read (React Native before 0.74). */
function findSessionId(access_token) {
  const payload = access_token.split(".")[1] ?? "";
  return attempt(() => JSON.parse(String.fromCharCode(...toBytes(payload))).sid, () => undefined);
}

/** Return what the app sees of a stored request for a code. */
function toRequested(stored) {
  const { phone, request_id, expires_at, resend_at } = stored;
  return Object.freeze({
    phone,
    request_id,
    expires_at: new Date(expires_at),
    get resend_in() {
      // Former versions have not stored it.
      return Math.max(0, Math.ceil((resend_at - Date.now()) / 1000)) || 0;
    },
  });
}

/** Return whether two texts are one phone, with its country code or without. */
function isSamePhone(first, second) {
  const [left, right] = [toDigits(first), toDigits(second)];
  const isLong = Math.min(left.length, right.length) >= MIN_DIGITS;
  // The service ignores a token of another phone.
  return isLong && (left.endsWith(right) || right.endsWith(left));
}

const toDigits = (phone) =>
  String(phone).normalize("NFKC").replace(NO_DIGITS, "").replace(/^0+/, "");

async function checkPasskeys(conditional = false) {
  const { PublicKeyCredential: kind, navigator } = /** @type {any} */ (globalThis);
  const isConditional = () => kind.isConditionalMediationAvailable?.();
  if (kind && navigator?.credentials && (!conditional || (await isConditional()))) return;
  const message = "Passkeys do not work here: use a current browser, with https or on localhost.";
  throw new DialtoneError("passkeys_unsupported", message);
}

/**
 * Ask the browser until its user answers, or the signal is aborted.
 *
 * @returns {Promise<any>} The credential as JSON; null for a conditional question whose challenge ends.
 */
async function useAuthenticator(ceremony, publicKey, conditional, signal) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  onAbort(signal, stop);
  const ends_at = Date.now() + publicKey.timeout * CHALLENGE_SHARE;
  let isLate = false;
  const lookAtClock = () => {
    isLate = Date.now() >= ends_at;
    if (isLate) stop();
  };
  const clock = conditional ? setInterval(lookAtClock, CLOCK_DELAY_MS) : undefined;
  try {
    const asked = { publicKey: parsePasskeyOptions(publicKey), signal: controller.signal };
    if (conditional) Object.assign(asked, { mediation: "conditional" });
    return toPasskeyJson(await navigator.credentials[ceremony](asked));
  } catch (error) {
    if (isLate && !signal.aborted) return null;
    throw passkeyError(error);
  } finally {
    clearInterval(clock);
    signal.removeEventListener("abort", stop);
  }
}

/** Browsers of before 2025 have neither `parseRequestOptionsFromJSON` nor `toJSON`. */
function parsePasskeyOptions(json) {
  const options = { ...json, challenge: toBytes(json.challenge) };
  if (json.user) options.user = { ...json.user, id: toBytes(json.user.id) };
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    options[name] = json[name]?.map((each) => ({ ...each, id: toBytes(each.id) }));
  }
  return options;
}

function toPasskeyJson({ id, rawId, type, authenticatorAttachment, response }) {
  const json = {};
  for (const name in response) {
    if (response[name] instanceof ArrayBuffer) json[name] = toBase64Url(response[name]);
  }
  if (response.getTransports) json.transports = response.getTransports();
  return { id, rawId: toBase64Url(rawId), type, authenticatorAttachment, response: json };
}

const toBytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));

const toBase64Url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");

/** Return the error of a question that was stopped, or what the browser threw. @param {any} [cause] */
function passkeyError(cause) {
  const [code, message] = {
    AbortError: ["passkey_cancelled", "The question for a passkey was stopped."],
    NotAllowedError: ["passkey_cancelled", "It was cancelled, or there is no passkey that fits."],
    InvalidStateError: ["passkey_exists", "This device has a passkey of this account already."],
  }[cause?.name ?? "AbortError"] ?? ["passkey_failed", `The browser refused: ${toText(cause)}`];
  return new DialtoneError(code, message, { cause });
}

function toJsonRequest(method, body) {
  if (body === undefined) return { method };
  const headers = { "Content-Type": "application/json" };
  return { method, headers, body: JSON.stringify(body) };
}

/**
 * Send a request without cookies: the service sets none, and forbids them to other origins.
 *
 * @param {string} url
 * @param {RequestInit} init
 * @param {{ signal?: AbortSignal, isRead?: boolean, timeout?: number }} [options]
 *   `isRead` returns the response for `readBody`. Its text has to be there in time too.
 * @returns {Promise<any>}
 */
async function send(url, init, { signal, isRead, timeout } = {}) {
  const isText = typeof (init.body ?? "") === "string";
  const controller = new AbortController();
  // That of the app also ends a body that it reads later.
  const ended = init.signal ?? controller.signal;
  const load = async () => {
    const response = await fetch(url, { ...init, signal: ended, credentials: "omit" });
    if (!isRead) return response;
    const { ok, status, headers } = response;
    return { ok, status, headers, text: await response.text() };
  };
  let stop = throwError;
  const stopped = new Promise((_, reject) => {
    stop = () => {
      controller.abort();
      reject(undefined);
    };
  });
  const timer = setTimeout(stop, timeout ?? (isText ? REQUEST_TIMEOUT_MS : FILE_TIMEOUT_MS));
  onAbort(signal, stop);
  try {
    return await Promise.race([stopped, load()]);
  } catch (error) {
    throw networkError(error, url);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Send a form with `XMLHttpRequest`, where there is one: `fetch` has no progress of uploads. */
async function sendForm(url, headers, form, size, onProgress, signal) {
  if (!globalThis.XMLHttpRequest) {
    const init = { method: "POST", headers, body: form };
    const response = await send(url, init, { signal, isRead: true });
    if (response.ok) onProgress?.(size, size);
    return response;
  }
  if (signal.aborted) throw networkError();
  const request = new XMLHttpRequest();
  let timer;
  const startTimer = () => {
    clearTimeout(timer);
    timer = setTimeout(() => request.abort(), IDLE_TIMEOUT_MS);
  };
  const sent = new Promise((resolve, reject) => {
    request.onload = () => {
      const { status, responseText: text } = request;
      const headers = { get: (name) => request.getResponseHeader(name) };
      resolve({ ok: status >= 200 && status < 300, status, headers, text });
    };
    request.onerror = request.onabort = () => reject(networkError(undefined, url));
    request.upload.onprogress = ({ loaded, total }) => {
      startTimer();
      const stop = (error) => {
        reject(error);
        request.abort();
      };
      attempt(() => onProgress?.(loaded, total), stop);
    };
    request.open("POST", url);
    headers.forEach((value, name) => request.setRequestHeader(name, value));
    startTimer();
    request.send(form);
    onAbort(signal, () => request.abort());
  });
  return sent.finally(() => clearTimeout(timer));
}

/**
 * Return the JSON of a response, or null if it has no body; throws the error that it is.
 *
 * @param {any} response What `send` has read.
 * @param {string} [expected] A field that the response has if it is one of the service.
 */
function readBody(response, expected) {
  const body = parseJson(response.text);
  const isExpected = body !== undefined && (!expected || body?.[expected] !== undefined);
  if (response.ok && isExpected) {
    if (!expected || body.success !== false) return body;
    const { message, attempts_left } = body;
    throw new DialtoneError("invalid_otp", message, { ...toFields(response), attempts_left });
  }
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

/** @param {unknown} [cause] @param {string} [url] */
function networkError(cause, url) {
  const { origin } = globalThis.location ?? {};
  const isForeign = origin && url && new URL(url, origin).origin !== origin;
  const hint = isForeign ? `Check whether DIALTONE_WEB_ORIGINS has ${origin}.` : undefined;
  const message = "The service did not respond. Check the connection.";
  return new DialtoneError("network_error", message, { cause, hint });
}

function signedOutError() {
  return new DialtoneError("signed_out", "The session has ended. Sign in again.", { status: 401 });
}

function throwSignedOut() {
  throw signedOutError();
}

function abortedError({ reason }) {
  return new DialtoneError("aborted", "The app has stopped this.", { cause: reason });
}

function closedError() {
  return new DialtoneError("closed", "The app has closed its connection to the service.");
}

function throwStorageError(cause) {
  const message = "The storage of this device does not work.";
  throw new DialtoneError("storage_error", message, { cause });
}

function throwError(error) {
  throw error;
}

function check(isRight, message) {
  if (!isRight) throw new DialtoneError("invalid_argument", message);
}

const toText = (error) => String(error?.message ?? error);

function isPromise(value) {
  return typeof value?.then === "function";
}

/** Call a function that may return a promise; `recover` gets its error in both cases. */
function attempt(call, recover) {
  try {
    const result = call();
    return isPromise(result) ? result.then(undefined, recover) : result;
  } catch (error) {
    return recover(error);
  }
}

/** Call a function when the signal is aborted, or now if it is. */
function onAbort(signal, stop) {
  if (signal?.aborted) stop();
  else signal?.addEventListener("abort", stop, { once: true });
}

function wait(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(networkError());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve(undefined);
    }, milliseconds);
    onAbort(signal, stop);
  });
}

/**
 * Return 32 random hex digits, which differ from all others of the user and need not be secret.
 *
 * `crypto.randomUUID` exists on pages with https only, and `crypto` not in Node.js 18.
 */
function makeKey() {
  const bytes = new Uint8Array(16);
  const crypto = /** @type {Crypto | undefined} */ (globalThis.crypto);
  if (crypto) crypto.getRandomValues(bytes);
  else bytes.forEach((_, index) => (bytes[index] = Math.random() * 256));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
