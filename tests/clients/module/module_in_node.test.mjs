// What dialtone.js does without a page: in Node.js, in service workers, and in React Native.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

// Older versions of React Native have none of these, and Node.js 18 has no `crypto`.
for (const name of ["DOMException", "crypto", "navigator"]) delete globalThis[name];
delete AbortSignal.timeout;
// That of Node.js 25 has no functions.
Object.defineProperty(globalThis, "localStorage", { value: {} });
const { EventTarget } = globalThis;
delete globalThis.EventTarget;
const { Dialtone, DialtoneError } = await import("./dialtone.js");
globalThis.EventTarget = EventTarget; // Node.js itself needs it
const { URL_OF_SERVICE: url, OTP: otp, PHONES, IMAGE, PROOF_PATHS } = process.env;
const phones = PHONES.split(",");
const image = new Blob([readFileSync(IMAGE)]);

const { fetch: send, setTimeout: startTimer } = globalThis;
// Before the module repeats an upload, it waits for seconds, with a part by chance.
globalThis.setTimeout = (task, time, ...values) =>
  startTimer(task, Number.isInteger(time ?? 0) ? time : 50, ...values);
/** All requests. */
const requests = [];
/** Returns the response to an upload, instead of the service. */
let respond = () => undefined;
globalThis.fetch = (target, init) => {
  const path = target.slice(url.length);
  requests.push({ path, init });
  return (path === "/library/upload" && respond(init)) || send(target, init);
};
const fetchOfTests = globalThis.fetch;
const uploads = () => requests.filter(({ path }) => path === "/library/upload");

/** A storage like that of React Native. */
class AsyncStorage {
  values = new Map();
  getItem = async (key) => this.values.get(key) ?? null;
  setItem = async (key, value) => void this.values.set(key, value);
  removeItem = async (key) => void this.values.delete(key);
}

/** Change fields of the stored session. */
function change(storage, fields) {
  const session = { ...JSON.parse(storage.values.get("dialtone.session")), ...fields };
  storage.values.set("dialtone.session", JSON.stringify(session));
}
const EXPIRED = { refresh_at: 0, expires_at: 0 };

const codeOf = (promise) =>
  promise.then(
    () => "none",
    (error) => (error instanceof DialtoneError ? error.code : error),
  );

async function signIn(dialtone, phone) {
  await dialtone.requestOtp({ phone });
  return dialtone.verifyOtp({ otp });
}

async function signUp(options = {}) {
  const phone = phones.shift();
  const dialtone = new Dialtone({ url, storage: new AsyncStorage(), ...options });
  await signIn(dialtone, phone);
  await dialtone.request("POST", "/users", { username: `user ${phone}`, number: phone });
  return { dialtone, phone };
}

test("uploads of two objects at once all become items, and all have progress", async () => {
  const storage = new AsyncStorage();
  const { dialtone } = await signUp({ storage });
  const other = new Dialtone({ url, storage });
  await other.ready;
  const warnings = [];
  process.on("warning", ({ name }) => warnings.push(name));
  const { signal } = new AbortController();
  const repeated = [];
  const progress = [];
  const body = JSON.stringify({ code: "too_many_uploads", retry_after: 5 });
  respond = ({ body: form }) =>
    form.get("category") === "0" && repeated.filter((each) => each === 0).length < 9
      ? Promise.resolve(new Response(body, { status: 503 }))
      : undefined;
  const upload = (each, number) =>
    each.upload(image, {
      category: `${number}`,
      signal,
      onProgress: (...sent) => (progress[number] ??= []).push(sent),
      onRepeat: ({ code }) => repeated.push(code === "too_many_uploads" ? number : code),
    });
  const numbers = Array.from({ length: 24 }, (_, number) => number);
  const objects = [dialtone, other];
  const items = await Promise.all(numbers.map((number) => upload(objects[number % 2], number)));

  assert.equal(new Set(items.map(({ id }) => id)).size, 24);
  assert.ok(repeated.filter((each) => each === 0).length >= 9);
  assert.ok(repeated.every(Number.isInteger), String(repeated));
  for (const [number, each] of progress.entries()) {
    const attempts = repeated.filter((repeat) => repeat === number).length + 1;
    const end = [image.size, image.size];
    assert.deepEqual(each, [...Array.from({ length: attempts }, () => [0, image.size]), end]);
  }
  assert.ok(!warnings.includes("MaxListenersExceededWarning"));
  const started = uploads().map(({ init }) => Number(init.body.get("category")));
  for (const part of [0, 1]) {
    const inOrder = [...new Set(started.filter((number) => number % 2 === part))];
    assert.deepEqual(inOrder, [...inOrder].sort((a, b) => a - b));
  }
});

test("an upload that waits ends at once when the app aborts it, signs out or closes", async () => {
  const { dialtone, phone } = await signUp();
  respond = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  const ends = [
    [(controller) => controller.abort(), "aborted"],
    [() => dialtone.signOut(), "signed_out"],
    [() => dialtone.close(), "closed"],
  ];
  for (const [end, expected] of ends) {
    if (!dialtone.session) await signIn(dialtone, phone);
    const controller = new AbortController();
    const { signal } = controller;
    const sent = uploads().length;
    const upload = () => dialtone.upload(image, { signal });
    const [first, second, ...waiting] = Array.from({ length: 5 }, upload);
    const running = [codeOf(first), codeOf(second)];
    while (uploads().length < sent + 2) await new Promise(setImmediate);
    const [ended] = await Promise.all([waiting.map(codeOf), end(controller)]);
    assert.deepEqual(await Promise.all(ended), [expected, expected, expected]);
    assert.deepEqual(await Promise.all(running), [expected, expected]);
    assert.equal(uploads().length, sent + 2);
  }
  respond = () => undefined;
  const { fetch } = globalThis;
  const { dialtone: other } = await signUp();
  const sent = new Promise((resolve) => {
    globalThis.fetch = (_url, { signal }) => {
      resolve(signal);
      return new Promise((_, reject) => signal.addEventListener("abort", reject));
    };
  });
  const lost = codeOf(other.request("GET", "/users/me"));
  const requestSignal = await sent;
  other.close();
  globalThis.fetch = fetch;
  assert.deepEqual([await lost, requestSignal.aborted], ["closed", true]);
  for (const call of [
    () => dialtone.requestOtp({ phone }),
    () => dialtone.verifyOtp({ otp }),
    () => dialtone.fetch("/users/me"),
    () => dialtone.request("GET", "/users/me"),
    () => dialtone.upload(image),
    () => dialtone.signOut(),
  ]) {
    assert.equal(await codeOf(call()), "closed");
  }
});

test("a file that is too large is not sent, and has the error of the service", async () => {
  const { dialtone } = await signUp();
  const sent = uploads().length;
  const { max_file_bytes } = await (await send(`${url}/library/upload-limits`)).json();
  const large = new Blob([new Uint8Array(max_file_bytes + 1)]);
  const error = await dialtone.upload(large).catch((caught) => caught);
  assert.equal(uploads().length, sent);
  const form = new FormData();
  form.append("user_id", dialtone.session.user_id);
  form.append("file", large, "large");
  const response = await dialtone.fetch("/library/upload", { method: "POST", body: form });
  assert.equal(error.status, response.status);
  const { message, code, limit } = error;
  assert.deepEqual({ error: message, code, limit }, await response.json());
});

test("an upload is repeated after a 503 with a short Retry-After", async () => {
  const { dialtone } = await signUp();
  for (const [retry_after, repeats] of [[1, 3], [31, 0]]) {
    const sent = uploads().length;
    const body = JSON.stringify({ code: "unavailable", retry_after });
    respond = () => new Response(body, { status: 503 });
    assert.equal(await codeOf(dialtone.upload(image)), "unavailable");
    assert.equal(uploads().length, sent + 1 + repeats);
  }
  respond = () => undefined;
});

test("a sign-in ends the stored session of another user", async () => {
  const { dialtone } = await signUp();
  const headers = (await authorizationOf(dialtone)).headers;
  let events = 0;
  dialtone.addEventListener("sessionchange", () => events++);
  const phone = phones.shift();
  const { user_id } = await signIn(dialtone, phone);
  assert.equal(dialtone.session.user_id, user_id);
  assert.equal(events, 1);
  assert.equal((await send(`${url}/users/me`, { headers })).status, 401);
});

test("another sign-in of a user ends the former session, and other tabs go on", async () => {
  const storage = new AsyncStorage();
  const { dialtone, phone } = await signUp({ storage });
  const other = new Dialtone({ url, storage });
  const { headers } = await authorizationOf(other);
  const devices = storage.values.get("dialtone.devices");
  await signIn(dialtone, phone);
  assert.equal((await send(`${url}/auth/sessions`, { headers })).status, 401);
  assert.equal((await other.request("GET", "/auth/sessions")).sessions.length, 1);
  assert.equal(storage.values.get("dialtone.devices"), devices); // the device is recognized
  assert.ok(!storage.values.has("dialtone.ended"));
});

test("a login that two tabs complete at once is one session, which stays", async () => {
  const storage = new AsyncStorage();
  const phone = phones.shift();
  const tabs = [new Dialtone({ url, storage }), new Dialtone({ url, storage })];
  await tabs[0].requestOtp({ phone });
  await Promise.all(tabs.map((tab) => tab.verifyOtp({ otp })));
  assert.equal((await tabs[0].request("GET", "/auth/sessions")).sessions.length, 1);
});

test("the next sign-in of the user ends a session whose sign-out was lost", async () => {
  const storage = new AsyncStorage();
  const { dialtone, phone } = await signUp({ storage });
  const { user_id } = dialtone.session;
  const { headers } = await authorizationOf(dialtone);
  const statusOfSession = async () => (await send(`${url}/auth/sessions`, { headers })).status;
  const { sessions } = await dialtone.request("GET", "/auth/sessions");
  const tokens = JSON.parse(storage.values.get("dialtone.session"));
  const lost = [];
  globalThis.fetch = async (target, init) => {
    lost.push([target, init.keepalive]);
    throw new TypeError("Failed to fetch");
  };
  assert.equal(await codeOf(dialtone.signOut()), "network_error");
  globalThis.fetch = fetchOfTests;
  assert.deepEqual(lost, [[`${url}/auth/logout`, true]]);
  const kept = [...storage.values.values()].join();
  assert.ok(!kept.includes(tokens.refresh_token) && !kept.includes(tokens.access_token));
  const ended = [{ user_id, session_id: sessions[0].id }];
  assert.deepEqual(JSON.parse(storage.values.get("dialtone.ended")), ended);

  await signIn(dialtone, phones.shift());
  assert.equal(await statusOfSession(), 200);
  globalThis.fetch = async (target, init) => {
    const isEnd = target.includes("/auth/sessions/");
    return isEnd ? new Response("Bad Gateway", { status: 502 }) : send(target, init);
  };
  await signIn(dialtone, phone);
  assert.equal(await statusOfSession(), 200);
  globalThis.fetch = fetchOfTests;
  await signIn(dialtone, phone);
  assert.equal(await statusOfSession(), 401);
  assert.equal((await dialtone.request("GET", "/auth/sessions")).sessions.length, 1);
  assert.ok(!storage.values.has("dialtone.ended"));
});

async function authorizationOf(dialtone) {
  await dialtone.fetch("/auth/sessions");
  const { init } = requests.findLast(({ path }) => path === "/auth/sessions");
  return { headers: { Authorization: init.headers.get("Authorization") } };
}

test("an asynchronous storage has the session of all objects, also over a restart", async () => {
  const storage = new AsyncStorage();
  const { dialtone, phone } = await signUp({ storage });
  const other = new Dialtone({ url, storage });
  const changed = new Promise((resolve) => {
    other.addEventListener("sessionchange", resolve, { once: true });
  });
  const key = "dialtone.session";
  assert.equal(other.session, null);
  assert.deepEqual([(await changed).type, other.session], ["sessionchange", dialtone.session]);
  // Each goes on with the tokens that the other one has stored.
  for (const each of [dialtone, other, dialtone, other]) {
    change(storage, EXPIRED);
    assert.equal((await each.fetch("/auth/sessions")).status, 200);
  }
  await dialtone.signOut();
  assert.equal(await codeOf(other.request("GET", "/users/me")), "signed_out");
  await dialtone.requestOtp({ phone });
  const restarted = new Dialtone({ url, storage });
  const { user_id } = await restarted.verifyOtp({ otp });
  assert.equal(JSON.parse(storage.values.get(key)).user_id, user_id);
});

test("a storage that fails signs nobody out", async () => {
  const storage = new AsyncStorage();
  const { dialtone } = await signUp({ storage });
  const { getItem } = storage;
  storage.getItem = async () => {
    throw new Error("The device is locked.");
  };
  assert.equal(await codeOf(dialtone.request("GET", "/users/me")), "storage_error");
  assert.equal(await codeOf(new Dialtone({ url, storage }).ready), "storage_error");
  storage.getItem = getItem;
  storage.setItem = async () => {
    throw new Error("It is full.");
  };
  const { now } = Date;
  Date.now = () => now() + 20 * 60 * 1000; // the access token expires
  assert.equal((await dialtone.request("GET", "/auth/sessions")).sessions.length, 1);
  Date.now = now;
  assert.equal((await dialtone.request("GET", "/auth/sessions")).sessions.length, 1);
  await dialtone.signOut();
  assert.equal(dialtone.session, null);
});

test("strange values in the storage sign nobody in", async () => {
  for (const value of ["text", "5", "[]", '{"user_id": "me"}', "true"]) {
    const storage = new AsyncStorage();
    for (const name of ["session", "request", "devices", "ended"]) {
      storage.values.set(`dialtone.${name}`, value);
    }
    const dialtone = new Dialtone({ url, storage });
    await dialtone.ready;
    assert.deepEqual([dialtone.session, dialtone.requested], [null, null]);
    assert.equal(await codeOf(dialtone.verifyOtp({ otp })), "no_request");
    await dialtone.signOut();
    assert.equal(await codeOf(dialtone.request("GET", "/auth/sessions")), "signed_out");
  }
});

test("only the service ends a session", async () => {
  const storage = new AsyncStorage();
  const { dialtone } = await signUp({ storage });
  const { setTimeout: startTimerOfTests } = globalThis;
  globalThis.setTimeout = (task, time, ...values) =>
    startTimer(task, time === 1_000 ? 0 : time, ...values);
  for (const [body, status, expected] of [
    ['{"error": "Later", "code": "unavailable"}', 503, "unavailable"],
    ["<h1>Bad Gateway</h1>", 502, "unexpected_response"],
    ["<h1>Sign in to the hotel</h1>", 200, "unexpected_response"],
    ["{}", 200, "unexpected_response"],
    ["<h1>Who are you?</h1>", 401, "unexpected_response"],
  ]) {
    change(storage, EXPIRED);
    globalThis.fetch = async () => new Response(body, { status });
    assert.equal(await codeOf(dialtone.fetch("/auth/sessions")), expected, body);
    globalThis.fetch = fetchOfTests;
    assert.equal((await dialtone.fetch("/auth/sessions")).status, 200);
  }
  globalThis.setTimeout = startTimerOfTests;
});

test("a token is used while it is valid, replaced after a 401, and never another user's", async () => {
  const storage = new AsyncStorage();
  const { dialtone } = await signUp({ storage });
  const { setTimeout: startTimerOfTests } = globalThis;
  globalThis.setTimeout = (task, time, ...values) =>
    startTimer(task, time === 1_000 ? 0 : time, ...values);
  let lost = 0;
  globalThis.fetch = async (target, init) => {
    if (!target.endsWith("/auth/refresh")) return send(target, init);
    lost++;
    throw new TypeError("Failed to fetch");
  };
  change(storage, { refresh_at: 0 });
  assert.equal((await dialtone.fetch("/auth/sessions")).status, 200);
  assert.equal(lost, 2);
  globalThis.setTimeout = startTimerOfTests;
  globalThis.fetch = fetchOfTests;
  // As with a clock that was set back: the token seems to be valid for long.
  change(storage, { access_token: "old" });
  assert.equal((await dialtone.fetch("/auth/sessions")).status, 200);
  globalThis.fetch = async () => {
    change(storage, { user_id: "0".repeat(24), access_token: "theirs" });
    return new Response("", { status: 401 });
  };
  assert.equal(await codeOf(dialtone.request("GET", "/auth/sessions")), "signed_out");
  globalThis.fetch = fetchOfTests;
});

test("an error of any form is an object with a code", async () => {
  const dialtone = new Dialtone({ url, storage: new AsyncStorage() });
  for (const [body, expected] of [
    ['{"code": "x", "field_errors": 5}', "x"],
    ...["[]", "null", '{"code": 5}'].map((each) => [each, "unexpected_response"]),
  ]) {
    globalThis.fetch = async () => new Response(body, { status: 500 });
    const phone = "+14155550000";
    const error = await dialtone.requestOtp({ phone }).catch((caught) => caught);
    const { name, code, status, field_errors } = error;
    assert.deepEqual([name, code, status, field_errors], ["DialtoneError", expected, 500, []]);
  }
  globalThis.fetch = fetchOfTests;
});

test("every error is a DialtoneError", async () => {
  const { dialtone, phone } = await signUp();
  const fail = () => {
    throw new Error("a fault of the app");
  };
  const circular = {};
  circular.self = circular;
  const calls = {
    invalid_argument: [
      async () => new Dialtone(),
      async () => new Dialtone({ url: "api.example.org" }),
      async () => new Dialtone({ url: "" }),
      async () => new Dialtone({ url, storage: {} }),
      async () => new Dialtone({ url, attest: "altcha" }),
      () => dialtone.requestOtp(),
      () => dialtone.requestOtp({}),
      () => dialtone.upload(),
      () => dialtone.fetch("https://example.org/users/me"),
      () => dialtone.fetch(`${url}.example.org/users/me`),
      () => dialtone.fetch("users/me"),
      () => dialtone.fetch("/users/me", { body: "a GET has none" }),
      () => dialtone.fetch("/users/me", { signal: "none" }),
      () => dialtone.request("POST", "/users", circular),
      () => dialtone.upload("photo.jpg"),
      () => dialtone.upload(image, { onProgress: fail }),
      () => dialtone.upload(image, { idempotencyKey: "ключ" }),
    ],
    attestation_failed: [
      () => {
        const attested = new Dialtone({ url, attest: fail });
        const body = JSON.stringify({ code: "attestation_required", attestation: [] });
        globalThis.fetch = async () => new Response(body, { status: 403 });
        return attested.requestOtp({ phone });
      },
    ],
    aborted: [
      () => dialtone.fetch("/users/me", { signal: AbortSignal.abort() }),
      () => dialtone.upload(image, { signal: AbortSignal.abort() }),
    ],
    network_error: [
      () => {
        globalThis.fetch = fail;
        return dialtone.fetch("/users/me");
      },
    ],
  };
  const { fetch } = globalThis;
  for (const [code, each] of Object.entries(calls)) {
    for (const call of each) {
      assert.equal(await codeOf(call()), code, String(call));
      globalThis.fetch = fetch;
    }
  }
  for (const [method, needed] of [["requestOtp", "phone"], ["verifyOtp", "otp"]]) {
    const { code, message } = await dialtone[method]().catch((error) => error);
    assert.equal(code, "invalid_argument");
    assert.ok(message.includes(needed), message);
  }
});

test("a backend of the app gets a valid token, and another one after it rejected it", async () => {
  const { dialtone } = await signUp();
  const isAccepted = async (token) => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await send(`${url}/auth/sessions`, { headers })).status === 200;
  };
  const first = await dialtone.accessToken();
  assert.deepEqual(JSON.parse(Buffer.from(first.split(".")[0], "base64url")).typ, "at+jwt");
  assert.equal(await dialtone.accessToken({ refresh: false }), first);
  const refresh = () => dialtone.accessToken({ refresh: true });
  const [second, third] = await Promise.all([refresh(), refresh()]);
  assert.notEqual(second, first);
  assert.equal(third, second);
  assert.deepEqual([await dialtone.accessToken(), await isAccepted(second)], [second, true]);
  const { now } = Date;
  Date.now = () => now() + 20 * 60 * 1000; // the access token expires
  const fourth = await dialtone.accessToken();
  Date.now = now;
  assert.deepEqual([fourth !== second, await isAccepted(fourth)], [true, true]);
  await dialtone.signOut();
  for (const options of [undefined, { refresh: true }]) {
    assert.equal(await codeOf(dialtone.accessToken(options)), "signed_out");
  }
});

test("a lost connection names the setting of other origins to developers, not to users", async () => {
  const { dialtone, phone } = await signUp();
  globalThis.fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  for (const [origin, expected] of [["https://app.example.org", true], [url, false]]) {
    globalThis.location = { origin };
    const { message, hint = "" } = await dialtone.requestOtp({ phone }).catch((error) => error);
    assert.equal(hint.includes(`DIALTONE_WEB_ORIGINS has ${origin}`), expected);
    assert.equal(message, "The service did not respond. Check the connection.");
  }
  delete globalThis.location;
  globalThis.fetch = fetchOfTests;
});

test("the session is one frozen object until it changes", async () => {
  const { dialtone } = await signUp();
  const { session } = dialtone;
  assert.equal(dialtone.session, session);
  assert.ok(Object.isFrozen(session));
  await dialtone.request("GET", "/users/me");
  const named = dialtone.session;
  assert.deepEqual({ ...named }, { ...session, username: named.username });
  assert.equal(dialtone.session, named);
});

test("the last request for a code has its id and its seconds, also after a restart", async () => {
  const storage = new AsyncStorage();
  const dialtone = new Dialtone({ url, storage });
  globalThis.fetch = async () =>
    new Response('{"request_id": "r1", "sent": true, "expires_in": 300, "resend_in": 60}');
  const result = await dialtone.requestOtp({ phone: "+14155550000" });
  globalThis.fetch = fetchOfTests;
  const { now } = Date;
  const restarted = new Dialtone({ url, storage });
  await restarted.ready;
  for (const [seconds, resend_in] of [[0, 60], [45, 15], [90, 0]]) {
    Date.now = () => now() + seconds * 1000;
    const { requested } = restarted;
    const wait = requested.resend_in;
    Date.now = now;
    assert.equal(requested.request_id, result.request_id);
    assert.ok(Math.abs(wait - resend_in) <= 1, `${wait}`);
  }
});

test("within the cooldown the first id is kept, and the seconds are those of the response", async () => {
  const dialtone = new Dialtone({ url, storage: new AsyncStorage() });
  let events = 0;
  dialtone.addEventListener("requestedchange", () => events++);
  for (const [phone, id, sent, resend_in, kept] of [
    ["+14155550000", "r1", true, 60, "r1"],
    ["+14155550000", "r2", false, 45, "r1"],
    ["+14155550001", "r3", false, 30, "r3"],
    ["+14155550001", "r4", true, 15, "r4"],
  ]) {
    const body = { request_id: id, sent, expires_in: 300, resend_in };
    globalThis.fetch = async () => new Response(JSON.stringify(body));
    await dialtone.requestOtp({ phone });
    globalThis.fetch = fetchOfTests;
    const { requested } = dialtone;
    assert.deepEqual([requested.request_id, requested.resend_in], [kept, resend_in]);
  }
  assert.equal(events, 4);
});

test("a request for a code ends in all objects when one cancels it, signs in, or it expires", async () => {
  const storage = new AsyncStorage();
  const phone = phones.pop();
  const objects = [new Dialtone({ url, storage }), new Dialtone({ url, storage })];
  const [dialtone, other] = objects;
  const events = [0, 0];
  objects.forEach((each, index) =>
    each.addEventListener("requestedchange", () => events[index]++),
  );
  const look = () => other.fetch("/health/live");
  for (const end of [
    () => other.cancelRequest(),
    () => other.verifyOtp({ otp }),
    async () => {
      const request = JSON.parse(storage.values.get("dialtone.request"));
      storage.values.set("dialtone.request", JSON.stringify({ ...request, expires_at: 1 }));
    },
  ]) {
    events.fill(0);
    await dialtone.requestOtp({ phone });
    await look();
    assert.deepEqual([other.requested.phone, ...events], [phone, 1, 1]);
    assert.equal(dialtone.requested, dialtone.requested);
    await end();
    await Promise.all([look(), dialtone.fetch("/health/live")]);
    assert.deepEqual([dialtone.requested, other.requested, ...events], [null, null, 2, 2]);
  }
  await dialtone.signOut();
});

test("a code that expires is an event, also if nothing is called", async () => {
  globalThis.fetch = async () =>
    new Response('{"request_id": "r1", "sent": true, "expires_in": 0.2, "resend_in": 0}');
  const dialtone = new Dialtone({ url, storage: new AsyncStorage() });
  await dialtone.requestOtp({ phone: "+14155550000" });
  globalThis.fetch = fetchOfTests;
  assert.ok(dialtone.requested);
  await new Promise((resolve) => {
    dialtone.addEventListener("requestedchange", resolve, { once: true });
    startTimer(resolve, 5_000); // the timer of the module does not keep Node.js running
  });
  assert.equal(dialtone.requested, null);
});

test("a new user has a name at once, as the service writes it", async () => {
  const dialtone = new Dialtone({ url, storage: new AsyncStorage() });
  await signIn(dialtone, phones.pop());
  const username = `  New   User ${Math.random().toString(36).slice(2)} `;
  await dialtone.request("POST", "/users", { username });
  assert.equal(dialtone.session.username, username.trim().replace("   ", " "));
});

test("requests that need no session are sent without one, or after it has ended", async () => {
  const dialtone = new Dialtone({ url, storage: new AsyncStorage() });
  const phone = phones.shift();
  const sendAll = async (request_id) => {
    assert.ok((await dialtone.request("GET", `/auth/requests/${request_id}`)).status);
    assert.ok((await dialtone.request("GET", "/library/upload-limits")).max_file_bytes);
  };
  const { request_id } = await dialtone.requestOtp({ phone });
  await sendAll(request_id);
  assert.equal(await codeOf(dialtone.request("GET", "/users/me")), "signed_out");
  assert.equal(await codeOf(dialtone.fetch("/users/me")), "signed_out");
  await dialtone.verifyOtp({ otp });
  const { headers } = await authorizationOf(dialtone);
  await send(`${url}/auth/logout`, { method: "POST", headers });
  const { now } = Date;
  Date.now = () => now() + 20 * 60 * 1000; // the session is found to have ended
  await dialtone.request("GET", `/auth/requests/${request_id}`);
  Date.now = now;
  assert.equal(dialtone.session, null);
});

test("each path that may ask for a proof gets one", async () => {
  const proof = { type: "altcha", response: "solved" };
  const challenges = [{ type: "altcha" }];
  const attest = async (given) => {
    assert.deepEqual(given, challenges);
    return proof;
  };
  for (const path of PROOF_PATHS.split(",")) {
    const { dialtone } = await signUp({ attest });
    const bodies = [];
    globalThis.fetch = async (target, init) => {
      bodies.push(JSON.parse(init.body));
      const isFirst = bodies.length === 1;
      const body = { code: "attestation_required", attestation: challenges, request_id: "r1" };
      return new Response(JSON.stringify(body), { status: isFirst ? 403 : 200 });
    };
    const result = await dialtone.request("POST", path, { phone: "+14155552672" });
    globalThis.fetch = fetchOfTests;
    assert.equal(result.request_id, "r1");
    assert.deepEqual(
      bodies.map(({ phone, attestation }) => [phone, attestation]),
      [{}, proof].map((attestation) => ["+14155552672", attestation]),
      path,
    );
  }
});

test("a deletion of the account ends the session, with its event", async () => {
  for (const remove of [
    (dialtone) => dialtone.request("DELETE", "/users/me"),
    (dialtone) => dialtone.fetch(`${url}/users/me`, { method: "delete" }),
  ]) {
    const { dialtone } = await signUp();
    let events = 0;
    dialtone.addEventListener("sessionchange", () => events++);
    await remove(dialtone);
    globalThis.fetch = fetchOfTests;
    assert.deepEqual([dialtone.session, events], [null, 1]);
  }
});

test("a sign-out that forgets leaves nothing of the user in the storage", async () => {
  const storage = new AsyncStorage();
  const { dialtone, phone } = await signUp({ storage });
  await dialtone.requestOtp({ phone });
  await dialtone.signOut();
  assert.ok([...storage.values.values()].join().includes(phone));
  await dialtone.signOut({ forget: true });
  assert.deepEqual([storage.values.size, dialtone.requested], [0, null]);
  for (const options of [undefined, { forget: true }]) {
    await signIn(dialtone, phone);
    globalThis.fetch = async () => {
      throw new TypeError("Failed to fetch");
    };
    assert.equal(await codeOf(dialtone.signOut(options)), "network_error");
    assert.equal(dialtone.session, null);
    globalThis.fetch = fetchOfTests;
  }
  assert.equal(storage.values.size, 0);
});

test("each call ends after a time without a response, and when its signal is aborted", async () => {
  const storage = new AsyncStorage();
  const { dialtone, phone } = await signUp({ storage });
  let sent = () => {};
  const lose = [];
  const hang = () => {
    globalThis.fetch = () =>
      new Promise((_, reject) => {
        lose.push(() => reject(new TypeError("Failed to fetch")));
        sent();
      });
  };
  const verify = async (each, options) => {
    globalThis.fetch = fetchOfTests;
    await each.requestOtp({ phone });
    hang();
    return each.verifyOtp({ otp }, options);
  };
  const calls = [
    (each, options) => each.requestOtp({ phone }, options),
    verify,
    (each, options) => each.accessToken({ refresh: true, ...options }),
    (each, options) => each.fetch("/users/me", options),
    (each, options) => each.request("GET", "/users/me", undefined, options),
    (each, options) => each.upload(image, options),
    (each, options) => each.signOut({ scope: "others", ...options }),
    (each, options) => each.signOut(options),
  ];
  for (const call of calls.slice(0, -1)) {
    const { signal, abort } = abortable();
    const isSent = new Promise((resolve) => (sent = resolve));
    hang();
    const ended = codeOf(call(dialtone, { signal }));
    await isSent;
    abort();
    assert.equal(await ended, "aborted", String(call));
  }
  const other = new Dialtone({ url, storage });
  const ended = new Set();
  const { setTimeout: startTimerOfTests } = globalThis;
  globalThis.setTimeout = (task, time, ...values) => {
    const isOfCode = time > 290_000 && time < 301_000; // until it expires
    if (time >= 20_000 && !isOfCode) ended.add(time);
    return startTimer(task, time < 1_000 ? time : 1, ...values);
  };
  for (const call of calls) {
    hang();
    assert.equal(await codeOf(call(other)), "network_error", String(call));
  }
  globalThis.setTimeout = startTimerOfTests;
  globalThis.fetch = fetchOfTests;
  for (const each of lose) each(); // a refresh goes on without the call that began it
  assert.deepEqual([...ended].sort(), [20_000, 30_000, 600_000]);
});

test("a response that stops in the middle ends a request, and no download", async () => {
  const { dialtone } = await signUp();
  const { setTimeout: startTimerOfTests } = globalThis;
  globalThis.setTimeout = (task, time, ...values) =>
    startTimer(task, time === 30_000 ? 50 : time, ...values);
  let stop;
  globalThis.fetch = async (_url, { signal }) => {
    const start = (controller) => {
      signal.addEventListener("abort", () => controller.error(signal.reason));
      controller.enqueue(new TextEncoder().encode("{"));
      stop = () => controller.close();
    };
    return new Response(new ReadableStream({ start }));
  };
  assert.equal(await codeOf(dialtone.request("GET", "/users/me")), "network_error");
  const response = await dialtone.fetch("/users/me");
  await new Promise((resolve) => startTimer(resolve, 200));
  stop();
  assert.equal(await response.text(), "{");
  const { signal, abort } = abortable();
  const aborted = await dialtone.fetch("/users/me", { signal });
  abort();
  await assert.rejects(aborted.text());
  globalThis.setTimeout = startTimerOfTests;
  globalThis.fetch = fetchOfTests;
});

function abortable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
