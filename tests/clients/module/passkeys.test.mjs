// When dialtone.js asks for a passkey, and what ends the question, with a browser that answers as told.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Dialtone } from "./dialtone.js";

const url = "https://api.example.org";
const challenges = [];
/** All requests, with their bodies. */
const requests = [];
/** Throws instead of a response to a path. */
let fail = () => undefined;

globalThis.fetch = async (target, { body }) => {
  const path = target.slice(url.length);
  requests.push([path, body && JSON.parse(body)]);
  fail(path);
  const challenge = Buffer.from([251, 255, requests.length]).toString("base64url");
  const user = { id: "dToxAA", name: "Asha Rao" };
  const publicKey = { challenge, timeout: 300_000, user, excludeCredentials: [{ id: "-_8" }] };
  const tokens = { user_id: "1", username: null, access_token: "a", refresh_token: `${requests.length}` };
  const session = { success: true, ...tokens, expires_in: 900, refresh_expires_in: 9000 };
  const others = { request_id: "r", sent: true, expires_in: 300, resend_in: 15, id: "k", name: "laptop" };
  return new Response(JSON.stringify({ publicKey, ...session, device_token: "first", ...others }));
};

/** The questions that the browser shows, each with its `answer`. */
const questions = [];
const buffer = (...bytes) => new Uint8Array(bytes).buffer;
const CREDENTIAL = {
  id: "-_8",
  rawId: buffer(251, 255),
  type: "public-key",
  response: { clientDataJSON: buffer(1), userHandle: null, getTransports: () => ["internal"] },
};

function ask(options) {
  return new Promise((resolve, reject) => {
    const answer = () => resolve(CREDENTIAL);
    const abort = () => reject(Object.assign(new Error("aborted"), { name: "AbortError" }));
    if (options.signal.aborted) abort();
    options.signal.addEventListener("abort", abort);
    challenges.push([...options.publicKey.challenge]);
    questions.push({ options, answer });
  });
}

function openBrowser({ isConditional = true } = {}) {
  const isConditionalMediationAvailable = async () => isConditional;
  globalThis.PublicKeyCredential = { isConditionalMediationAvailable };
  const navigator = { credentials: { get: ask, create: ask } };
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  questions.length = requests.length = 0;
}

function open(values = new Map()) {
  const storage = {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => void values.set(key, value),
    removeItem: (key) => void values.delete(key),
  };
  return new Dialtone({ url, storage });
}

const codeOf = (promise) => promise.then(() => "none", ({ code }) => code);
const sentTo = (path) => requests.filter(([each]) => each === path).map(([, body]) => body);

async function nextQuestion(count = 1) {
  while (questions.length < count) await new Promise(setImmediate);
  return questions[count - 1];
}

async function signIn(dialtone) {
  await dialtone.requestOtp({ phone: "+14155552671" });
  await dialtone.verifyOtp({ otp: "271828" });
}

test("without passkeys there is an error with a code, and no request", async () => {
  const dialtone = open();
  assert.equal(await codeOf(dialtone.signInWithPasskey()), "passkeys_unsupported");
  assert.equal(await codeOf(dialtone.addPasskey()), "passkeys_unsupported");
  openBrowser({ isConditional: false });
  const conditional = dialtone.signInWithPasskey({ conditional: true });
  assert.equal(await codeOf(conditional), "passkeys_unsupported");
  assert.deepEqual(requests, []);
});

test("a sign-in sends the device token that is stored, and stores another one", async () => {
  openBrowser();
  const values = new Map();
  const dialtone = open(values);
  let changes = 0;
  dialtone.addEventListener("sessionchange", () => changes++);
  const stored = [];
  for (const device of ["Pixel 9", "Pixel 9"]) {
    const signedIn = dialtone.signInWithPasskey({ device });
    const { answer, options } = await nextQuestion(questions.length + 1);
    assert.equal(options.mediation, undefined);
    assert.deepEqual(options.publicKey.excludeCredentials[0].id, new Uint8Array([251, 255]));
    answer();
    assert.deepEqual(await signedIn, { user_id: "1", username: null });
    stored.push(values.get("dialtone.devices"));
  }
  const credential = {
    id: "-_8",
    rawId: "-_8",
    type: "public-key",
    response: { clientDataJSON: "AQ", transports: ["internal"] },
  };
  const [first, second] = sentTo("/auth/passkey");
  assert.deepEqual(first, { credential, device: "Pixel 9" });
  assert.equal(second.device_token, "first");
  assert.deepEqual(stored, Array(2).fill('{"":"first"}'));
  assert.deepEqual([changes, dialtone.session.user_id], [1, "1"]);
  await dialtone.requestOtp({ phone: "+14155552671" });
  assert.equal(sentTo("/auth/request-otp")[0].device_token, undefined); // that of nobody knows whom
});

test("the last question counts, also if the options of an earlier one come later", async () => {
  openBrowser();
  const dialtone = open();
  const { fetch } = globalThis;
  let load;
  globalThis.fetch = async (...request) => {
    globalThis.fetch = fetch;
    await new Promise((resolve) => (load = resolve));
    return fetch(...request);
  };
  const first = codeOf(dialtone.signInWithPasskey({ conditional: true }));
  while (!load) await new Promise(setImmediate);
  const second = dialtone.signInWithPasskey();
  const { answer } = await nextQuestion();
  load();
  assert.equal(await first, "passkey_cancelled");
  await new Promise((resolve) => setTimeout(resolve, 20));
  answer();
  assert.equal((await second).user_id, "1");
  assert.equal(questions.length, 1);
});

test("a question ends with its signal, its object, and a sign-in or a sign-out of any tab", async () => {
  openBrowser();
  const values = new Map();
  const dialtone = open(values);
  const tab = open(values);
  const controller = new AbortController();
  const conditional = () =>
    dialtone.signInWithPasskey({ conditional: true }, { signal: controller.signal });
  const add = () => dialtone.addPasskey();
  // Node.js has no event `storage`: a page of another tab gets it from the browser.
  const inOtherTab = async (task) => {
    await task(tab);
    await codeOf(dialtone.cancelRequest());
  };
  const ends = [
    [conditional, () => inOtherTab(signIn), "passkey_cancelled"],
    [add, () => inOtherTab((each) => each.signOut()), "signed_out"],
    [conditional, () => signIn(dialtone), "passkey_cancelled"],
    [add, () => dialtone.signOut(), "signed_out"],
    [conditional, () => controller.abort(), "aborted"],
    [() => dialtone.signInWithPasskey(), () => dialtone.close(), "closed"],
  ];
  for (const [begin, end, expected] of ends) {
    const ended = codeOf(begin());
    const { options } = await nextQuestion(questions.length + 1);
    await end();
    assert.equal(await ended, expected);
    assert.ok(options.signal.aborted, expected);
  }
  assert.deepEqual([sentTo("/auth/passkey"), sentTo("/users/me/passkeys")], [[], []]);
});

test("a passkey in the field has a valid challenge for hours, also after a time offline", async (t) => {
  openBrowser();
  const clock = t.mock.method(Date, "now");
  const { setTimeout: startTimer } = globalThis;
  let failures = 3;
  let isWaiting = false;
  fail = () => {
    isWaiting = failures++ < 3;
    if (isWaiting) throw new TypeError("Failed to fetch");
  };
  t.mock.method(globalThis, "setTimeout", (task, time) => {
    const isRepeat = isWaiting && time === 30_000;
    isWaiting &&= !isRepeat;
    return startTimer(task, isRepeat ? 1 : time);
  });
  const signedIn = open().signInWithPasskey({ conditional: true });
  await nextQuestion();
  failures = 0;
  const later = Date.now() + 280_000;
  clock.mock.mockImplementation(() => later);
  const { answer, options } = await nextQuestion(2);
  assert.equal(options.mediation, "conditional");
  assert.notDeepEqual(...challenges.slice(-2));
  answer();
  assert.equal((await signedIn).user_id, "1");
  assert.equal(sentTo("/auth/passkey").length, 1);
});
