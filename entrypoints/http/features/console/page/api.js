/** Requests to the API below /admin/, the session of this tab, and passkeys. */

const TOKEN = "dialtone-console-token";

/** What `GET /admin/session` said last; null while nobody is signed in here. @type {any} */
export let session = null;

/** The service said no. `fields` has a message for each field that is wrong. */
class ApiError extends Error {
  constructor(status, { error, errors = {}, code, retry_after }) {
    super(error ?? (Object.values(errors).join(" ") || `The service said ${status}.`));
    Object.assign(this, { status, code, fields: errors, retryAfter: retry_after });
  }
}

/** Nothing answered, or something else than the service, such as the sign-in of a proxy. */
export class NoAnswer extends Error {
  constructor() {
    super("The service did not answer. Is there a sign-in of your network in front of it?");
  }
}

const noAnswer = () => {
  throw new NoAnswer();
};
const readJson = (response) => response.json().catch(noAnswer);

export const toQuery = (values) =>
  new URLSearchParams(Object.entries(values).filter(([, value]) => value)).toString();

/** Send a request; return the response if it is a good one of the service. */
export async function send(method, path, body) {
  // The link of somebody else needs no session, and ends none.
  const token = body?.secret ? null : sessionStorage.getItem(TOKEN);
  const headers = {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(body && { "Content-Type": "application/json" }),
  };
  const options = { method, headers, body: body && JSON.stringify(body), cache: "no-store" };
  const response = await fetch(path, options).catch(noAnswer);
  const isPage = response.headers.get("Content-Type")?.startsWith("text/html");
  if (response.ok && !isPage) return response;
  throw new ApiError(response.status, await readJson(response));
}

export async function load(path, values = {}) {
  const query = toQuery(values);
  return readJson(await send("GET", query ? `${path}?${query}` : path));
}

export const post = async (path, body = {}) => readJson(await send("POST", path, body));

// The session

export const isSignedIn = () => sessionStorage.getItem(TOKEN) !== null;
export const may = (scope) => session.scopes.includes(scope);

export async function loadSession() {
  session = await load("/admin/session");
}

export function forgetSession() {
  session = null;
  sessionStorage.removeItem(TOKEN);
}

/** Open a session with a passkey, in place of the one that this tab has. */
export async function signIn() {
  const credential = await usePasskey("/admin/session/options");
  const replaces = sessionStorage.getItem(TOKEN) ?? undefined;
  await keepSession(await post("/admin/session", { credential, replaces }));
}

async function keepSession({ access_token }) {
  sessionStorage.setItem(TOKEN, access_token);
  await loadSession();
}

/**
 * Send what needs a sign-in within the last 15 minutes: ask for the passkey before, if it is older.
 *
 * @param {() => Promise<any>} request
 */
export async function sendFresh(request) {
  if (Date.now() >= Date.parse(session.fresh_until)) await signInAgain();
  try {
    return await request();
  } catch (error) {
    if (error.code !== "reauthentication_required") throw error;
    await signInAgain(); // the clock of this device is slow
    return request();
  }
}

async function signInAgain() {
  const { user_id } = session;
  await signIn();
  if (session.user_id === user_id) return;
  throw new Error("This passkey is of another account, which is signed in now. Nothing was sent.");
}

// Passkeys

/** Return the answer of a passkey that is here, for the field `touch` of the next request. */
export const touch = (purpose) => usePasskey("/admin/session/touch", { purpose });

/** Make a passkey, and open a session with it. `proof` is the secret of a link, or a touch. */
export async function addPasskey(name, { secret, touch }) {
  const { publicKey } = await post("/admin/passkeys/options", { secret });
  const credential = await askBrowser("create", publicKey);
  await keepSession(await post("/admin/passkeys", { secret, touch, credential, name }));
}

async function usePasskey(path, body) {
  const { publicKey } = await post(path, body);
  return askBrowser("get", publicKey);
}

const NO_PASSKEYS =
  "This browser has no passkeys. Use a current version of Chrome, Edge, Firefox or Safari.";
/** What the errors of browsers mean. */
const REFUSALS = {
  ConstraintError:
    "This device cannot keep a passkey. Set up its screen lock, or the PIN of the security key.",
  InvalidStateError:
    "This device already has a passkey of this account. Use that one, or another device.",
  NotAllowedError:
    "Nothing was sent: it was cancelled, it took too long, or this device has no passkey that "
    + "works here. Try again, or use the device that has your passkey.",
  SecurityError: "Passkeys work only at the address of the service: open the console there.",
};

async function askBrowser(kind, publicKey) {
  if (!globalThis.PublicKeyCredential || !navigator.credentials) throw new Error(NO_PASSKEYS);
  try {
    return toJson(await navigator.credentials[kind]({ publicKey: parseOptions(publicKey) }));
  } catch (error) {
    throw new Error(REFUSALS[error.name] ?? `The browser refused: ${error.name}, ${error.message}`);
  }
}

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
    char.charCodeAt(0),
  );
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Browsers of before 2025 lack `PublicKeyCredential.parseRequestOptionsFromJSON` and `toJSON`. */
function parseOptions(options) {
  const { challenge, user, allowCredentials = [], excludeCredentials = [] } = options;
  const parseId = (each) => ({ ...each, id: decode(each.id) });
  return {
    ...options,
    challenge: decode(challenge),
    ...(user && { user: parseId(user) }),
    allowCredentials: allowCredentials.map(parseId),
    excludeCredentials: excludeCredentials.map(parseId),
  };
}

const PARTS = [
  "clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle",
];

function toJson({ id, rawId, type, authenticatorAttachment, response }) {
  const parts = PARTS.filter((part) => response[part]);
  const sent = Object.fromEntries(parts.map((part) => [part, encode(response[part])]));
  if (response.getTransports) sent.transports = response.getTransports();
  return { id, rawId: encode(rawId), type, authenticatorAttachment, response: sent };
}
