/**
 * Passkeys: the only script of the console. Two pages load it: the sign-in with a passkey, and the
 * one that adds a passkey. It asks the browser for a passkey, and sends the response in the form of
 * the page. It opens no other connection, and stores nothing.
 */

const CANCELLED = "Nothing was sent: it was cancelled, or this device has no passkey that works here. ";
const WORDS = {
  get: {
    AbortError: CANCELLED + "Try again, or use the device that has your passkey.",
    NotAllowedError: CANCELLED + "Try again, or use the device that has your passkey.",
    late: "It took too long, so nothing was sent. Try again.",
  },
  create: {
    AbortError: "No passkey was made: it was cancelled. Try again.",
    NotAllowedError:
      "No passkey was made: it was cancelled, or this device cannot ask for a fingerprint, a face or a PIN. " +
      "Try again, or use another device.",
    InvalidStateError:
      "This device already has a passkey of this account, so none was added. Use that one, or another device.",
    ConstraintError:
      "This device cannot keep a passkey, or does not ask for a fingerprint, a face or a PIN. " +
      "Set up its screen lock or the PIN of the security key, or use another device.",
    NotSupportedError: "This device makes no passkeys of a kind that works here. Use another device.",
    late: "It took too long, so no passkey was made. Try again.",
  },
};
const WITHOUT_PASSKEYS =
  "This browser has no passkeys. Use a current version of Chrome, Edge, Firefox or Safari.";
const INCOMPLETE_LINK =
  "This link is not complete. Open the whole link that you got: its end, behind #, is the secret part.";

const form = document.querySelector("form[data-origin]");
const problem = document.getElementById("problem");
const progress = document.getElementById("progress");

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** Browsers of before 2025 lack `PublicKeyCredential.parseRequestOptionsFromJSON` and `toJSON`. */
function parseOptions(text) {
  const options = JSON.parse(text);
  options.challenge = decode(options.challenge);
  if (options.user) options.user.id = decode(options.user.id);
  for (const credential of [...(options.allowCredentials ?? []), ...(options.excludeCredentials ?? [])])
    credential.id = decode(credential.id);
  return options;
}

function toJson({ id, rawId, type, authenticatorAttachment, response }) {
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const sent = Object.fromEntries(
    parts.filter((part) => response[part]).map((part) => [part, encode(response[part])]),
  );
  if (response.getTransports) sent.transports = response.getTransports();
  return JSON.stringify({ id, rawId: encode(rawId), type, authenticatorAttachment, response: sent });
}

function findProblem() {
  const { origin } = new URL(form.dataset.origin);
  // A passkey belongs to one host, and forms are accepted from one origin.
  if (location.origin !== origin) return `Passkeys work only at ${origin}: open the console there.`;
  return window.PublicKeyCredential && navigator.credentials ? "" : WITHOUT_PASSKEYS;
}

/** Show what is wrong, which screen readers then read; an error of the service stays otherwise. */
function show(text) {
  if (text) problem.textContent = text;
  return text;
}

async function run(event) {
  event.preventDefault();
  if (form.ariaBusy === "true" || show(findProblem())) return; // after a double click, or useless
  const { ceremony, options } = form.dataset;
  const publicKey = parseOptions(options);
  const started = performance.now();
  form.ariaBusy = "true";
  problem.textContent = "";
  progress.textContent = "Follow what your browser or your device asks.";
  try {
    form.elements.response.value = toJson(await navigator.credentials[ceremony]({ publicKey }));
    form.submit();
  } catch (error) {
    const isLate = performance.now() - started >= publicKey.timeout;
    const known = isLate ? WORDS[ceremony].late : WORDS[ceremony][error.name];
    show(known ?? `The browser refused: ${error.name}, ${error.message}`);
  }
  form.ariaBusy = "false";
  progress.textContent = "";
}

/** Move the secret of the link from the address, and so from the history, into the form. */
function takeSecret() {
  const secret = location.hash.slice(1);
  if (secret) {
    form.elements.secret.value = secret;
    problem.textContent = "";
    history.replaceState(null, "", location.pathname);
  }
  if (!form.elements.secret.value && !problem.textContent) show(INCOMPLETE_LINK);
  show(findProblem());
}

if (form?.dataset.ceremony) {
  form.addEventListener("submit", run);
  show(findProblem());
} else if (form) {
  takeSecret();
  addEventListener("hashchange", takeSecret);
}
