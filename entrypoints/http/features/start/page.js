/** The page at `/`: what a web app does with the module of the service, and the API's answers. */

import { Dialtone, DialtoneError } from "../client/dialtone.js";

const SERVICE = new URL("..", import.meta.url).href.replace(/\/$/, "");
const PAGE_SIZE = 12;
/** A cancelled upload may have arrived all the same, and is in the library some time later. */
const CANCEL_DELAY_MS = 1_000;
/** Where this tab keeps the request for a code, so that a reload shows its message again. */
const requestKey = (phone) => `dialtone.start.request_id ${phone}`;
const PHONE_KEY = "dialtone.start.phone";

const dialtone = new Dialtone({ url: SERVICE });
const tabStorage = openTabStorage();
const find = (id) => document.getElementById(id);
const show = (id, isShown = true) => (find(id).hidden = !isShown);
const setText = (id, text) => (find(id).textContent = text);

/** Whose account the page shows. Results for another one are dropped. */
let shownUserId = null;
let shownUsername = null;
let nextCursor = null;

/** Return the storage of this tab; the memory of this page where the user blocks it. */
function openTabStorage() {
  try {
    return sessionStorage;
  } catch {
    const values = new Map();
    return {
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => values.set(key, value),
      removeItem: (key) => values.delete(key),
    };
  }
}

/** What the page itself has to say, without a request. */
class Notice extends Error {}

// Elements and errors. Texts of the service and of users are never parsed as HTML.

function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function makeTime(text) {
  return make("time", { dateTime: text }, new Date(text).toLocaleString());
}

const inWords = (seconds) =>
  seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;

/** Show an error as the API has it: message, fields, code and the id that the log has too. */
function showError(id, error) {
  if (!(error instanceof DialtoneError || error instanceof Notice)) console.error(error);
  const details = [
    error.code && `code ${error.code}`,
    error.status && `status ${error.status}`,
    error.request_id && `X-Request-Id ${error.request_id}`,
  ].filter(Boolean);
  const lines = [make("p", {}, error.message)];
  if (error.attempts_left !== undefined) {
    lines.push(make("p", {}, `Attempts left: ${error.attempts_left}.`));
  }
  if (error.retry_after) lines.push(make("p", {}, `Try again in ${inWords(error.retry_after)}.`));
  if (details.length > 0) {
    lines.push(make("p", { className: "details" }, make("code", {}, details.join(", "))));
  }
  find(id).replaceChildren(...lines);
  markInvalidFields(id, error);
}

function markInvalidFields(id, error) {
  const form = find(id).closest("form");
  if (!form) return;
  const names = (error.field_errors ?? []).map(({ field }) => field);
  if (error.code === "invalid_otp") names.push("otp");
  for (const name of names) form.elements[name]?.setAttribute("aria-invalid", "true");
  const [first] = form.querySelectorAll('[aria-invalid="true"]');
  first?.focus();
  first?.select(); // so that the next text takes its place
}

function clearError(id) {
  find(id).replaceChildren();
  const inputs = find(id).closest("form")?.querySelectorAll("[aria-invalid]") ?? [];
  for (const input of inputs) input.removeAttribute("aria-invalid");
}

/** What runs, by the place of its error. */
const running = new Map();

/** Run what a button or a form starts; show its error. A second click meanwhile does nothing. */
async function run(errorId, action) {
  if (running.has(errorId)) return;
  const finished = attempt(errorId, action).finally(() => running.delete(errorId));
  running.set(errorId, finished);
  await finished;
}

/** Run what the page has to show now: after what runs, which may have begun before a change. */
async function runNext(errorId, action) {
  while (running.has(errorId)) await running.get(errorId);
  await run(errorId, action);
}

async function attempt(errorId, action) {
  clearError(errorId);
  try {
    await action();
  } catch (error) {
    // The sign-in says it: see `showSignIn`.
    if (error.code !== "signed_out") showError(errorId, error);
  }
}

function onSubmit(formId, errorId, action) {
  find(formId).addEventListener("submit", (event) => {
    event.preventDefault();
    run(errorId, () => action(event.target.elements));
  });
}

function onClick(buttonId, errorId, action) {
  find(buttonId).addEventListener("click", () => run(errorId, action));
}

// What runs

async function showParts() {
  setText("parts-status", "");
  try {
    const response = await fetch(`${SERVICE}/health/ready`);
    const { status, ...parts } = await response.json();
    setText("parts-status", `The service is ${status}.`);
    const rows = Object.entries(parts).flatMap(([name, health]) => [
      make("dt", {}, name),
      make("dd", { className: health === "ok" ? "" : "problem" }, health),
    ]);
    find("parts").replaceChildren(...rows);
  } catch {
    setText("parts-status", "The service does not respond. Is it still running?");
    find("parts").replaceChildren();
  }
}

// Sign-in

function showSignIn() {
  const { requested } = dialtone;
  show("account", false);
  show("sign-in");
  show("phone-form", !requested);
  show("code-form", requested !== null);
  if (requested) {
    setText("sent", `A code was requested for ${requested.phone}.`);
    showMessage(requested.phone);
  }
  offerPasskeys();
}

async function requestCode(phone) {
  const locale = navigator.language;
  const result = await dialtone.requestOtp({ phone, platform: "web", locale });
  show("phone-form", false);
  show("code-form");
  clearError("otp-error");
  const minutes = Math.ceil(result.expires_in / 60);
  setText(
    "sent",
    result.sent
      ? `A message with a code was sent to ${phone}. The code is valid for ${minutes} minutes.`
      : `No new message was sent: the code of the last one is still valid. ` +
          `Another message can be sent in ${inWords(result.resend_in)}.`,
  );
  // Without a new message, that of the last request is still the one to show.
  if (result.sent) tabStorage.setItem(requestKey(phone), result.request_id);
  await showMessage(phone);
  find("otp").focus();
}

/** Show the last message to a phone; only the terminal shows it in most setups. */
async function showMessage(phone) {
  const requestId = tabStorage.getItem(requestKey(phone));
  const text = requestId && (await findMessage(requestId));
  show("message", Boolean(text));
  setText("message-text", text ?? "");
  if (text) return;
  const { printsMessages, hasFixedCodes } = document.body.dataset;
  const isPrinted = printsMessages === "true";
  const place = isPrinted ? "See the terminal where the service runs." : "See the phone.";
  const exception = " A phone of DIALTONE_TEST_OTPS gets no message: its code is the one of that setting.";
  find("sent").append(` ${place}${hasFixedCodes === "true" ? exception : ""}`);
}

async function findMessage(requestId) {
  try {
    const response = await fetch(`${SERVICE}/start/message`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ request_id: requestId }),
    });
    return response.ok ? (await response.json()).text : null;
  } catch {
    return null;
  }
}

onSubmit("phone-form", "phone-error", ({ phone }) => requestCode(phone.value));

onSubmit("code-form", "otp-error", async ({ otp }) => {
  const phone = dialtone.requested?.phone ?? "";
  await dialtone.verifyOtp({ otp: otp.value });
  tabStorage.setItem(PHONE_KEY, phone);
  tabStorage.removeItem(requestKey(phone));
  find("code-form").reset();
  await showSession();
  find("user-heading").focus();
});

onClick("resend", "otp-error", async () => {
  const { requested } = dialtone;
  if (requested) await requestCode(requested.phone);
  else usePhoneForm();
});

onClick("other-phone", "otp-error", async () => {
  await dialtone.cancelRequest();
  usePhoneForm();
});

function usePhoneForm() {
  show("code-form", false);
  show("phone-form");
  find("phone").focus();
}

// Passkeys

const { ownUrl } = document.body.dataset;
const isElsewhere = Boolean(ownUrl) && new URL(ownUrl).origin !== location.origin;
/** Browsers make passkeys for names, and not for IPs. */
const hasIp = /^[\d.]+$|^\[/.test(location.hostname);
const canHavePasskeys = !hasIp && !isElsewhere && Boolean(globalThis.PublicKeyCredential);
/** Errors that are not shown: the user took no passkey, or the browser offers none. */
const UNASKED = ["passkeys_unsupported", "passkey_cancelled", "passkey_failed"];
let offersPasskeys = false;

/** Let the browser offer passkeys in the field of the phone, and show the button for them. */
async function offerPasskeys() {
  if (offersPasskeys || !canHavePasskeys) return;
  offersPasskeys = true;
  show("passkey-sign-in");
  try {
    await signInWithPasskey({ conditional: true });
  } catch (error) {
    if (error.status === 404) show("passkey-sign-in", false); // the service has no passkeys
    else if (!UNASKED.includes(error.code)) showError("phone-error", error);
  } finally {
    offersPasskeys = false;
  }
}

async function signInWithPasskey(signIn) {
  await dialtone.signInWithPasskey(signIn);
  await showSession();
  find("user-heading").focus();
}

onClick("passkey-sign-in", "phone-error", async () => {
  try {
    await signInWithPasskey();
  } finally {
    // That of the button has ended the one in the field.
    if (!dialtone.session) offerPasskeys();
  }
});

async function showPasskeys() {
  const userId = shownUserId;
  try {
    const { passkeys } = await dialtone.request("GET", "/users/me/passkeys");
    if (userId !== shownUserId) return;
    find("passkey-list").replaceChildren(...passkeys.map(makePasskey));
    show("passkeys", passkeys.length > 0 || canHavePasskeys || localUrl !== null);
  } catch (error) {
    if (error.status !== 404) throw error; // the service has no passkeys
  }
}

function makePasskey({ id, name, created_at }) {
  const text = make("p", {}, make("strong", {}, name), make("br"), "since ", makeTime(created_at));
  const button = make("button", { type: "button", className: "secondary" }, "Remove");
  button.setAttribute("aria-label", `Remove the passkey ${name}`);
  button.addEventListener("click", () =>
    run("passkeys-error", async () => {
      await dialtone.request("DELETE", `/users/me/passkeys/${id}`);
      await showPasskeys();
      find("passkeys-heading").focus();
    }),
  );
  return make("li", {}, text, button);
}

onClick("add-passkey", "passkeys-error", async () => {
  await dialtone.addPasskey();
  await showPasskeys();
});

/** The same page on this machine, if it has an IP. */
const localUrl = /^127\.|^\[::1\]$/.test(location.hostname) ? `http://localhost:${location.port}` : null;
if (localUrl !== null) {
  const setting = ownUrl ? `set DIALTONE_PUBLIC_URL=${localUrl}, and ` : "";
  const link = make("a", { href: `${localUrl}/` }, localUrl);
  find("passkeys-elsewhere").append(`Browsers make no passkeys for an IP: ${setting}open `, link, ".");
  show("passkeys-elsewhere");
}
show("add-passkey", canHavePasskeys);

// The user

async function showSession() {
  const userId = dialtone.session?.user_id ?? null;
  show("loading", false);
  if (userId === null) {
    if (shownUserId !== null) setText("notice", "You are signed out.");
    const hadFocus = find("account").contains(document.activeElement);
    forgetUser();
    showSignIn();
    if (hadFocus) find("sign-in-heading").focus();
    return;
  }
  setText("notice", "");
  clearError("notice-error");
  show("sign-in", false);
  show("account");
  if (userId === shownUserId) {
    // Another tab may have changed the name.
    if (dialtone.session.username !== shownUsername) await runNext("user-error", showUser);
    return;
  }
  forgetUser();
  shownUserId = userId;
  setText("user-id", userId);
  await Promise.all([
    runNext("user-error", showUser),
    runNext("passkeys-error", showPasskeys),
    runNext("sessions-error", showSessions),
  ]);
}

/** What one user saw is not for the next one. */
function forgetUser() {
  shownUserId = null;
  shownUsername = null;
  nextCursor = null;
  for (const id of ["library", "passkey-list", "sessions"]) find(id).replaceChildren();
  for (const id of ["user-form", "upload-form"]) find(id).reset();
  for (const id of ["username-saved", "uploaded", "user-id"]) setText(id, "");
  for (const element of document.querySelectorAll("#account .error")) element.replaceChildren();
  for (const id of ["user-form", "images", "passkeys", "library-empty", "more"]) show(id, false);
  document.querySelector("#account details").open = false;
}

async function showUser() {
  const userId = shownUserId;
  const user = await loadUser();
  if (userId !== shownUserId) return;
  nextCursor = null;
  shownUsername = user?.username ?? null;
  find("username").value = shownUsername ?? "";
  // A number is for the first name only. The API compares it with that of the sign-in.
  find("number").value = tabStorage.getItem(PHONE_KEY) ?? "";
  show("number-field", user === null);
  show("user-form");
  show("images", user !== null);
  if (user !== null) await runNext("library-error", showLibrary);
}

async function loadUser() {
  try {
    return await dialtone.request("GET", "/users/me");
  } catch (error) {
    if (error.code === "user_not_found") return null; // the user has chosen no name yet
    throw error;
  }
}

onSubmit("user-form", "username-error", async ({ username, number }) => {
  setText("username-saved", "");
  if (find("number-field").hidden) {
    await dialtone.request("PATCH", "/users/me", { username: username.value });
  } else {
    const body = { username: username.value, number: number.value };
    await dialtone.request("POST", "/users", body);
  }
  setText("username-saved", "The username is saved.");
  await run("user-error", showUser);
});

// Images

async function showLibrary() {
  const userId = shownUserId;
  const query = new URLSearchParams({ user_id: userId, per_page: PAGE_SIZE });
  if (nextCursor !== null) query.set("cursor", nextCursor);
  const page = await dialtone.request("GET", `/library?${query}`);
  if (userId !== shownUserId) return;
  if (nextCursor === null) find("library").replaceChildren();
  find("library").append(...page.items.map(makeItem));
  nextCursor = page.next_cursor;
  show("more", nextCursor !== null);
  show("library-empty", find("library").children.length === 0);
}

async function showNewestImages() {
  nextCursor = null;
  await showLibrary();
}

function makeItem(item) {
  const name = item.category ? `picture "${item.category}"` : "picture without a label";
  const src = item.variants.thumb ?? item.url;
  const image = make("img", { src, alt: `${name}, ${item.width} × ${item.height} pixels` });
  const remove = make("button", { type: "button", className: "secondary" }, "Delete");
  remove.setAttribute("aria-label", `Delete the ${name}, uploaded ${new Date(item.created_at).toLocaleString()}`);
  remove.addEventListener("click", () =>
    run("library-error", async () => {
      await dialtone.request("DELETE", `/library/${item.id}`);
      await showNewestImages();
      find("library-heading").focus();
    }),
  );
  const link = make("a", { href: item.url, target: "_blank", rel: "noopener" }, image);
  return make("li", {}, link, make("p", {}, item.category ?? ""), remove);
}

onSubmit("upload-form", "upload-error", async ({ file, category }) => {
  const userId = shownUserId;
  const [image] = file.files;
  if (!image) {
    file.setAttribute("aria-invalid", "true");
    file.focus();
    throw new Notice("Choose a file first.");
  }
  const controller = new AbortController();
  const cancel = () => {
    controller.abort();
    setTimeout(() => runNext("library-error", showNewestImages), CANCEL_DELAY_MS);
  };
  let uploaded = "";
  setText("uploaded", "");
  showProgress(0, image.size);
  show("uploading");
  find("cancel").addEventListener("click", cancel);
  try {
    const item = await dialtone.upload(image, {
      category: category.value || undefined,
      onProgress: showProgress,
      onRepeat: (error) => {
        showProgress(0, image.size);
        setText("uploaded", `${error.message} The upload is repeated.`);
      },
      signal: controller.signal,
    });
    if (userId !== shownUserId) return;
    find("upload-form").reset();
    uploaded = `Uploaded: ${item.width} × ${item.height} pixels, ${item.content_type}.`;
  } catch (error) {
    throw error.code === "aborted" ? new Notice("The upload was cancelled.") : error;
  } finally {
    setText("uploaded", uploaded);
    find("cancel").removeEventListener("click", cancel);
    if (find("uploading").contains(document.activeElement)) file.focus();
    show("uploading", false);
  }
  await runNext("library-error", showNewestImages);
});

function showProgress(sent, total) {
  const share = total > 0 ? sent / total : 0;
  find("progress").value = share;
  const isSent = total > 0 && sent >= total;
  setText(
    "progress-text",
    isSent ? "Sent. The service decodes the picture." : `${Math.floor(share * 100)} %`,
  );
}

onClick("more", "library-error", showLibrary);

// Sessions

async function showSessions() {
  const userId = shownUserId;
  const { sessions } = await dialtone.request("GET", "/auth/sessions");
  if (userId === shownUserId) find("sessions").replaceChildren(...sessions.map(makeSession));
  show("sign-out-others", sessions.length > 1);
}

function makeSession({ id, device, created, last_used, current }) {
  const name = device ?? "Unknown device";
  const text = make("p", {}, make("strong", {}, name), current ? " (this session)" : "");
  text.append(make("br"), "since ", makeTime(created), ", last used ", makeTime(last_used));
  if (current) return make("li", {}, text); // its button is below the list
  const button = make("button", { type: "button", className: "secondary" }, "Sign out");
  button.setAttribute("aria-label", `Sign out ${name}, since ${new Date(created).toLocaleString()}`);
  button.addEventListener("click", () =>
    run("sessions-error", async () => {
      await dialtone.request("DELETE", `/auth/sessions/${id}`);
      await showSessions();
      find("sessions-heading").focus();
    }),
  );
  return make("li", {}, text, button);
}

// The error is shown outside the account, which is hidden by then.
const signOut = () => run("notice-error", () => dialtone.signOut());

find("sign-out").addEventListener("click", signOut);

onClick("sign-out-others", "sessions-error", async () => {
  await dialtone.signOut({ scope: "others" });
  await showSessions();
  find("sessions-heading").focus();
});

onClick("delete", "delete-error", async () => {
  await dialtone.request("DELETE", "/users/me");
  setText("notice", "The account is deleted.");
});

// The page

if (isElsewhere) {
  const link = make("a", { href: `${ownUrl}/` }, ownUrl);
  const note = "The service accepts sign-ins from pages of DIALTONE_PUBLIC_URL only. Open ";
  find("other-origin").append(note, link, ".");
  show("other-origin");
}

find("check").addEventListener("click", showParts);
dialtone.addEventListener("sessionchange", () => showSession());
await Promise.all([showParts(), showSession()]);
