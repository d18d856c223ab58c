/**
 * The console of the staff: a client of the API below /admin/, which checks all rights.
 *
 * The token is in this tab only, and opens nothing without the cookie of this browser. No address
 * has a phone number, a reason or the token.
 */

import {
  addPasskey, forgetSession, isSignedIn, loadSession, may, post, send, session, signIn, touch,
} from "./api.js";
import {
  addressOf, explain, field, form, go, h, link, links, p, say, show, table, takeMessage,
} from "./elements.js";
import { forgetPhone, openPeople } from "./people.js";
import {
  openAudit, openBlocks, openCalls, openLibrary, openOverview, openStatistics,
} from "./views.js";

const RELOADED = "dialtone-console-reloaded";
/** The number of the page that was asked for last: one that comes too late is not shown. */
let turn = 0;
const signOut = document.getElementById("sign-out");
const navigation = document.getElementById("navigation");

// Sign-in and passkeys

function signInPage(why) {
  const submit = async () => {
    await signIn();
    go(location.hash);
  };
  return [
    "Sign in",
    why && p(why),
    p("For people with a role: support, moderators, auditors and administrators. Your device asks "
      + "for your fingerprint, your face or its PIN. No code is sent."),
    form([], "Use a passkey", submit),
    p("No passkey, or none at hand? A link adds one. Staff of a higher role make the first one "
      + "here; a command on the machine of the service makes any: ",
      h("code", {}, "dialtone user passkey-invite"), "."),
  ];
}

const NAME = field("name", "Name of the passkey", "Such as the device, to tell it from others.");
const ADDED = "The passkey is added. All other sessions of the console have ended.";
const KEPT =
  "It is kept by this device, by a security key, or by your password manager. Afterwards all "
  + "other sessions of the console end, and your phone gets a message.";

/** The page of a link, whose secret is nowhere but here. */
async function linkPage(secret) {
  const { username, role } = await post("/admin/passkeys/options", { secret });
  const submit = async ({ name }) => {
    await addPasskey(name, { secret });
    go("#/passkeys", ADDED);
  };
  return [
    "Add a passkey",
    p("For ", h("bdi", {}, username ?? "an account without a username"), `, ${role}. `
      + "The link that led you here is for you alone, and works once."),
    p(KEPT),
    form([NAME], "Make the passkey", submit),
  ];
}

function newPasskeyPage() {
  let confirmed;
  const submit = async ({ name }) => {
    // A browser may refuse the second question without another click.
    confirmed ??= await touch("add_passkey");
    await addPasskey(name, { touch: confirmed }).catch((error) => {
      if (error.status) confirmed = undefined; // it works once
      throw error;
    });
    go("#/passkeys", ADDED);
  };
  return [
    "Add a passkey",
    p("Your browser asks twice: first for a passkey that you have, then where the new one "
      + "is to be kept."),
    p(KEPT),
    form([NAME], "Make the passkey", submit),
    links([link("Cancel", ["passkeys"])]),
  ];
}

function openPasskeys(_, id) {
  if (id === "new") return newPasskeyPage();
  const { passkeys } = session;
  const passkey = passkeys.find((each) => each.id === id);
  if (passkey) return removePage(passkey, passkeys.length === 1);
  const toRow = ({ id, name, created_at: added, last_used_at: used }) =>
    [name, added, used ?? "never", link(["Remove ", h("bdi", {}, name)], ["passkeys", id])];
  return [
    "Your passkeys",
    p("Your account signs in to the console with one of these. There is room for ten."),
    table("Your passkeys, the oldest first", ["name", "added", "last used", "what you can do"],
      passkeys.map(toRow)),
    p(h("a", { class: "button", href: addressOf(["passkeys", "new"]) }, "Add a passkey")),
  ];
}

function removePage({ id, name }, isLast) {
  const submit = async () => {
    await send("DELETE", `/admin/passkeys/${id}`, { touch: await touch("remove_passkey") });
    endSession("The passkey is removed. All sessions of the console have ended.");
  };
  return [
    ["Remove the passkey ", h("bdi", {}, name), "?"],
    p("It opens the console no longer, and all sessions of the console end. This is final. The "
      + "device keeps it until you delete it there too. First a passkey is asked for."),
    isLast && h("p", { class: "warning" }, "It is your only one. Without it you do not get in "
      + "before somebody makes a link for you: add another one first."),
    form([], "Remove the passkey", submit, { isFinal: true }),
    links([link("Cancel", ["passkeys"])]),
  ];
}

// Addresses

/** Those of the navigation, each with the scope that it needs and what opens it. */
const PAGES = [
  ["", "Overview", null, openOverview],
  ["people", "People", "users:read", openPeople],
  ["statistics", "Statistics", "statistics:read", openStatistics],
  ["blocks", "Blocks", "blocks:read", openBlocks],
  ["library", "Library", "library:read", openLibrary],
  ["calls", "Calls", "calls:read", openCalls],
  ["audit", "Audit", "audit:read", openAudit],
  ["passkeys", "Passkeys", null, openPasskeys],
];

function showNavigation(current) {
  signOut.hidden = !session;
  const pages = session ? PAGES.filter(([, , scope]) => !scope || may(scope)) : [];
  navigation.replaceChildren(...pages.map(([path, title]) =>
    h("li", {}, h("a", { href: `#/${path}`, "aria-current": path === current && "page" }, title))));
}

function showSignIn(why) {
  forgetSession();
  showNavigation();
  show(...signInPage(why));
}

/** Forget the session and what it showed. The sign-in is at the first page. */
function endSession(why) {
  forgetPhone();
  history.replaceState(null, "", location.pathname);
  turn += 1;
  say("");
  showSignIn(why);
}

/** Show the page of the address, or the sign-in, after which it is shown. */
async function route() {
  const mine = ++turn;
  const hash = location.hash.slice(1);
  const message = takeMessage();
  say(message);
  let page;
  try {
    if (/^[0-9a-f]{24}\./.test(hash)) {
      // The secret of a link leaves the address, and so the history, before anything is sent.
      history.replaceState(null, "", location.pathname);
      page = await linkPage(hash);
    } else if (isSignedIn()) {
      await loadSession();
      if (!message && reloadIfOlder()) return;
      page = await open(hash);
    } else {
      page = signInPage();
    }
  } catch (error) {
    if (mine !== turn) return;
    if (error.status === 401) {
      return showSignIn("The session has ended. After the sign-in you are back at the same page.");
    }
    page = ["Not possible", h("p", { class: "error" }, explain(error)), linkToStart()];
  }
  if (mine !== turn) return;
  show(...page);
}

const linkToStart = () => p(link("To the first page of the console", [""]));

/** Open the page of an address such as `/audit?user=…`. */
function open(hash) {
  const [path, query] = hash.split("?");
  const [name, ...parts] = path.match(/[\w-]+/g) ?? [];
  const [current, , scope, openPage] = PAGES.find(([each]) => each === name) ?? PAGES[0];
  showNavigation(current);
  if (scope && !may(scope)) throw new Error("Your role does not see this page.");
  return openPage(Object.fromEntries(new URLSearchParams(query)), ...parts);
}

/** Load the page again if the service has another version; once, even if that changes nothing. */
function reloadIfOlder() {
  const { page } = session;
  const isOlder = page !== document.documentElement.dataset.version;
  if (!isOlder || sessionStorage.getItem(RELOADED) === page) return false;
  sessionStorage.setItem(RELOADED, page);
  location.reload();
  return true;
}

signOut.addEventListener("click", async () => {
  const words = await send("DELETE", "/admin/session").then(
    () => "You are signed out.",
    () => "You are signed out in this tab. The service did not answer: there the session ends 15 "
      + "minutes after its last use.",
  );
  endSession(words);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // an address is a page
  document.querySelector("h1")?.focus();
});
addEventListener("hashchange", route);
// The browser may have kept the page as it was before a sign-out.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.getElementById("content").replaceChildren();
  route();
});
await route();
