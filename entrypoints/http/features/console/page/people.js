/** People: the search, the page of one, and what is done for one. */

import { load, may, post, sendFresh, session, touch } from "./api.js";
import {
  addressOf, ask, capitalize, download, field, form, go, h, inWords, link, links, list, p, table,
  tableOf, wrong,
} from "./elements.js";

/** The phone without an account that is shown. It is in memory only, and in no address. */
let phone = "";

export const forgetPhone = () => {
  phone = "";
};

/** The page of an address: `people`, `people/ID` or `people/ID/ACT`; `phone` for the ID of none. */
export async function openPeople(_, id, name) {
  if (!id || (id === "phone" && !phone)) return searchPage();
  const details = await (id === "phone" ? search({ phone }) : load(`/admin/users/${id}`));
  if (name === "number" && mayShowNumber(details)) return numberPage(details);
  if (name === "passkey-invite" && mayInvite(details)) return invitePage(details);
  const act = offeredActs(details).find((each) => each.name === name);
  return act ? actPage(act, details) : personPage(details);
}

const search = (body) => post("/admin/users/search", body);
const partsOf = ({ account }, ...more) => ["people", account?.id ?? "phone", ...more];
const offeredActs = ({ acts }) => session.acts.filter(({ name }) => acts.includes(name));

/** Return all that a text may mean, the likeliest first. */
export async function findReadings(text) {
  const { other_readings: others = [], ...first } = await search({ text });
  return [first, ...others];
}

function searchPage(text = "", readings = []) {
  const find = async ({ text }) => {
    const found = await findReadings(text);
    if (found.some(({ account }) => !account)) phone = text;
    if (found.length > 1) return searchPage(text, found);
    go(addressOf(partsOf(found[0])));
  };
  const user = field("text", "Phone number, username, user id or external id", "A phone number "
    + "begins with + and the country code. An external id begins with external_id:",
    { value: text });
  const toItem = (details) => {
    const { account, number } = details;
    const other = account ? `account ${account.id}` : "a phone without an account";
    const name = account?.username && [nameOf(details), ", "];
    return link([name, number && `${number}, `, other], partsOf(details));
  };
  return [
    "People",
    form([user], "Search", find),
    readings.length > 0 && [
      h("h2", {}, `This may mean ${readings.length} people`),
      links(readings.map(toItem)),
    ],
  ];
}

/** What a person is called. Usernames may be written from right to left. */
function nameOf({ account, number }) {
  if (account?.deleted_at) return h("bdi", {}, "Deleted account");
  return h("bdi", {}, account?.username ?? number ?? `Account ${account.id}`);
}

// The page of a person

const NOT_LISTED = ["acts", "why_no_acts", "retained"];
const ONLY_IN_LOG =
  "Rejected requests of a phone of which nothing is known are only in the log, with its hash.";
/** Of these the fields that say in words what the others have. */
const LISTED_OF = {
  verification: ["state", "resets_left"],
  rejections: ["at", "channel", "summary"],
};

function personPage(details) {
  const { account, subject } = details;
  const acts = offeredActs(details).map(({ name, title }) => [title, partsOf(details, name)]);
  if (mayShowNumber(details)) acts.unshift(["Show the full number", partsOf(details, "number")]);
  if (mayInvite(details)) acts.push([INVITE, partsOf(details, "passkey-invite")]);
  if (account && !account.deleted_at && may("library:read"))
    acts.push(["See the pictures", ["library"], { user_id: account.id }]);
  if (may("audit:read")) acts.push(["See the audit", ["audit"], { user: subject }]);
  const fields = Object.entries(details).filter(([name]) => !NOT_LISTED.includes(name));
  const isEmpty = (value) => Array.isArray(value) && !value.length;
  const empty = fields.filter(([, value]) => isEmpty(value)).map(([name]) => inWords(name));
  const rows = fields.filter(([, value]) => typeof value !== "object");
  const sections = fields.filter(([, value]) => value && typeof value === "object");
  return [
    nameOf(details),
    list([...rows, ["none", empty.join(", ")]]),
    h("h2", {}, "What you can do"),
    details.why_no_acts && p(details.why_no_acts),
    links(acts.map((act) => link(...act)), { class: "acts in-rows" }),
    sections.filter(([, value]) => !isEmpty(value)).map(makeSection),
    !account && !details.rejections.length && p(ONLY_IN_LOG),
    account?.deleted_at && [h("h2", {}, "What remains of this account"), retainedTable(details)],
    p(link("Search for somebody else", ["people"])),
  ];
}

function makeSection([name, value]) {
  const title = capitalize(inWords(name));
  const names = LISTED_OF[name] ?? Object.keys([value].flat()[0]);
  const values = Array.isArray(value)
    ? tableOf(title, value, names, { hasHeading: true })
    : list(names.map((each) => [each, value[each]]));
  return [h("h2", {}, title), values];
}

const retainedTable = ({ retained }) =>
  table("Data that remains after the deletion", ["data", "why", "until"],
    retained.map(({ data, reason, until }) => [data, reason, until ?? "no fixed time"]));

// What is done for a person

const INVITE = "Let this person add a passkey";

const mayShowNumber = ({ account, number, why_no_acts }) =>
  account && number && !why_no_acts && may("users:phone");
const mayInvite = ({ account, acts, staff_passkeys: passkeys }) =>
  may("users:role") && account?.role && account.role !== "member" && acts.length > 0 &&
  passkeys?.length === 0;

function describe(details) {
  const { account, number, summary } = details;
  const name = [nameOf(details), account?.username && number && `, ${number}`];
  return list([["for", name], ["account", account?.id], ["summary", summary]]);
}

const FRESH =
  "It needs a sign-in within the last 15 minutes. If yours is older, your passkey is asked for " +
  "first, and what you typed stays.";

function actPage(act, details) {
  const { account, verification } = details;
  const resetsLeft = act.name === "reset-limits" ? verification.resets_left : undefined;
  const submit = async (values) => {
    const target = account ? { id: account.id } : { phone };
    const request = () => post(act.path, { ...target, ...values, resets_left: resetsLeft });
    const done = await (act.needs_fresh_login ? sendFresh(request) : request());
    if (done.path) download(done.path);
    go(addressOf(partsOf(details)), done.message);
  };
  const toField = ({ name, label, explains, choices, default: value }) =>
    field(name, label, `${explains}.`, {
      choices: choices.map((choice) => [choice]),
      value: account?.[name.replace("new_", "")] ?? value,
    });
  const remains = act.name === "delete" && [h("h2", {}, "What remains"), retainedTable(details)];
  return ask({
    title: act.title,
    about: describe(details),
    text: [act.explains, resetsLeft !== undefined && ` Resets left today: ${resetsLeft}.`],
    fields: act.fields.map(toField),
    isFinal: act.is_final,
    submit,
    back: partsOf(details),
    more: [act.needs_fresh_login && p(FRESH), remains],
  });
}

function numberPage(details) {
  const { id } = details.account;
  const submit = async ({ reason }) => {
    if (!reason) throw wrong("reason", "Say why. The audit keeps the reason.");
    const { number } = await sendFresh(() => search({ id, reason }));
    return [
      ["The full number of ", nameOf(details)],
      h("p", { class: "id" }, number),
      p("The audit has that you looked at it."),
      links([link("Back", partsOf(details))]),
    ];
  };
  return ask({
    title: "Show the full number",
    about: describe(details),
    text: "The next page shows the full phone number. The audit keeps that you looked at it.",
    submit,
    back: partsOf(details),
    more: p(FRESH),
  });
}

function invitePage(details) {
  const { id } = details.account;
  const submit = async ({ reason }) => {
    const body = { id, reason, touch: await touch("invite") };
    const { message, link: url } = await post("/admin/users/passkey-invite", body);
    return [
      ["A link for ", nameOf(details)],
      h("p", { class: "id" }, url),
      p(message, " Hand it over in person, or by a channel that you trust."),
      links([link("Back", partsOf(details))]),
    ];
  };
  return ask({
    title: INVITE,
    about: describe(details),
    text:
      "The next page shows a link that adds the first passkey, with which this person signs in " +
      "here. It is valid once and for 15 minutes. First your own passkey is asked for.",
    submit,
    back: partsOf(details),
  });
}
