/** What staff sees of the service: overview, statistics, blocks, library, calls and audit. */

import { load, may, post, send, toQuery } from "./api.js";
import {
  addressOf, ask, field, form, go, h, inWords, kinds, link, links, list, nextPage, p, save, table,
  tableOf, toText, wrong,
} from "./elements.js";
import { findReadings } from "./people.js";

/** Show what a form selects, which then has an address of its own. */
async function select(path, open, values) {
  const page = await open(values);
  const address = addressOf([path], values);
  if (location.hash !== address) history.pushState(null, "", address);
  return page;
}

const ID = /^[0-9a-f]{24}$/;
const joined = (...texts) => texts.filter(Boolean).join(" ");

// Overview

export async function openOverview() {
  const { is_ready: isReady, parts, users, last_24_hours: counts } = await load("/admin/overview");
  const mark = (text, isGood) => (isGood ? text : h("strong", { class: "error" }, text));
  const states = Object.entries(parts).map(([name, state]) =>
    [inWords(name), mark(state, state === "ok")]);
  return [
    "Overview",
    may("statistics:read") && describeUsers(users),
    counts && describeLastDay(counts),
    h("h2", {}, "Parts of the service"),
    p("This instance is ", mark(isReady ? "ready" : "not ready", isReady), "."),
    table("Parts, as /health/ready checks them", ["part", "state"], states, { size: "small" }),
  ];
}

const figures = (rows) =>
  h("dl", { class: "figures" }, rows.map(([name, number]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, toText(number)))));

const describeUsers = (users) => [
  h("h2", {}, "Users"),
  figures([["Accounts with a username",
    users ? joined(users.is_estimate && "about", toText(users.total)) : "–"]]),
  p(users
    ? "Blocked accounts are included, deleted ones are not. They are counted every five minutes."
    : "They are still being counted, or the database does not respond: open this page again."),
];

const describeLastDay = ({ sent, logins, undelivered, rejected }) => [
  h("h2", {}, "The last 24 hours"),
  figures([
    ["Codes sent", sent], ["Logins", logins], ["Undelivered", undelivered],
    ["Rejected by a limit", rejected],
  ]),
  p(link("Statistics by hour, country, channel and provider", ["statistics"])),
];

// Statistics

const DIMENSIONS = ["country", "channel", "provider"];
const SUMMED_BY = DIMENSIONS.flatMap((first) => [
  [first],
  ...DIMENSIONS.filter((other) => other !== first).map((second) =>
    [`${first},${second}`, `${first} and ${second}`]),
]).concat([["prefix", "prefix, for hours only"]]);
const PERIOD_FIELDS = [
  field("hours", "Hours", "From 1 to 168, the current one included; empty for days."),
  field("from", "First day", "Such as 2026-07-01. At most 400 days."),
  field("until", "Last day", "The default is today."),
  field("by", "By", "", { choices: SUMMED_BY }),
];

export async function openStatistics({ hours, from, until, by }) {
  const values = { hours, from, until, by };
  const report = await load("/admin/statistics", values);
  const { period, by_period: periods, rejections } = report;
  const results = Object.keys(report.total);
  const title = `Messages and logins by ${period}`;
  const newestFirst = [...periods].reverse().map((row) => ({ "from (UTC)": startOf(row), ...row }));
  const today = new Date().toISOString().slice(0, 10);
  const isShown = (number) => period === "hour" && periods.length === number;
  const fields = PERIOD_FIELDS.map((each) =>
    ({ ...each, value: values[each.name], isOptional: true }));
  return [
    "Statistics",
    kinds("Time", "statistics", [
      ["24 hours", { hours: 24, by }, isShown(24)],
      ["7 days by hour", { hours: 168, by }, isShown(168)],
      ["this month by day", { until: today, by: by === "prefix" ? null : by }],
    ]),
    h("p", { class: "hint" }, "Hours and days are those of UTC; the last one may not be over. What "
      + "was counted within the last minute may be missing."),
    h("h2", {}, `By ${report.by.replace(",", " and ")}`),
    report.rows.length ? describeGroups(report, results, values) : p("Nothing was counted."),
    h("h2", {}, `By ${period}`),
    h("div", { class: "beside" },
      plot(title, report),
      tableOf(title, newestFirst, ["from (UTC)", ...results], { size: "tall" })),
    h("h2", {}, "Rejections"),
    Object.keys(rejections).length
      ? table("By limit", ["limit", "number"], Object.entries(rejections), { size: "small" })
      : p("No limit rejected anything."),
    h("h2", {}, "Another time"),
    form(fields, "Show", (typed) => select("statistics", openStatistics, typed)),
  ];
}

function describeGroups({ by, rows, total }, results, values) {
  const names = by.split(",");
  const columns = [...names, ...results.filter((result) => result in rows[0])];
  const sum = { ...total, [names[0]]: "Total", [names[1]]: "all" };
  const title = `Messages and logins by ${names.join(" and ")}`;
  const saveCsv = async () => {
    const query = toQuery({ ...values, format: "csv" });
    const name = await save(await send("GET", `/admin/statistics?${query}`));
    go(location.hash, `${name} is downloaded. It has no total.`);
  };
  return [
    tableOf(title, [...rows, sum], columns, { size: "tall" }),
    form([], "Download as CSV", saveCsv),
  ];
}

const startOf = ({ starts_at: start }) => start.slice(0, 16).replace("T", " ");

const COLUMN_WIDTH = 12;

/** Columns from left to right: what was sent, and the logins in front of it. */
function plot(title, { period, by_period: periods }) {
  const series = [["sent", 8], ["logins", 4]];
  const highest = Math.max(1, ...periods.flatMap(({ sent, logins }) => [sent, logins]));
  const drawBars = ([name, width], index) =>
    h("g", { class: `series-${index + 1}` }, periods.map(({ [name]: value }, column) => {
      const x = column * COLUMN_WIDTH + (COLUMN_WIDTH - width) / 2;
      const height = Math.max(1, (100 * value) / highest); // a small number is visible too
      return value > 0 && h("rect", { x, y: 100 - height, width, height });
    }));
  const sumOf = (name) => toText(periods.reduce((sum, { [name]: value }) => sum + value, 0));
  const sums = series.map(([name]) => `${name} ${sumOf(name)}`).join(", ");
  const label = `${title}: ${sums}. The most in one ${period}: ${toText(highest)}.`;
  const viewBox = `0 0 ${periods.length * COLUMN_WIDTH} 100`;
  const ends = [periods[0], periods.at(-1)];
  return h("figure", { class: "plot" },
    h("figcaption", { class: "legend", "aria-hidden": "true" },
      series.map(([name], index) => [h("span", { class: `key series-${index + 1}` }), name]),
      h("span", { class: "highest" }, `highest: ${toText(highest)}`)),
    h("svg", { role: "img", "aria-label": label, viewBox, preserveAspectRatio: "none" },
      series.map(drawBars)),
    h("div", { class: "axis", "aria-hidden": "true" },
      ends.map((end) => h("span", {}, startOf(end)))));
}

// Blocks

const BLOCK_KINDS = [
  ["prefix", "Numbers that begin with"],
  ["network", "A network, for requests for codes and sign-ins by a passkey"],
  ["country", "A country"],
];
const BLOCK_FIELDS = [
  field("kind", "What", "", { choices: BLOCK_KINDS }),
  field("subject", "Which", "Such as +4479, 203.0.113.0/24 or GB."),
  field("hours", "For how many hours", "A day has 24, and 400 days 9600, which is the most."),
  field("reason", "Reason", "Such as the number of a ticket. All who see the blocks read it, and "
    + "the audit keeps it for 400 days, with your id."),
];
const subjectOf = ({ prefix, network, country }) => prefix ?? network ?? country;
const describeName = ({ name, is_claim: isClaim }) =>
  joined(name && `(${name})`, isClaim && "(a claim)");
const describeActor = (actor) =>
  joined(actor.role ?? inWords(actor.kind), actor.id, describeName(actor));

export async function openBlocks(_, id) {
  const { blocks } = await load("/admin/blocks");
  const mayWrite = may("blocks:write");
  const ended = blocks.find((each) => each.id === id);
  if (ended && mayWrite) return endOfBlockPage(ended);
  const toRow = (block) => [
    subjectOf(block), block.ends_at, block.reason,
    `${describeActor(block.created_by)}, ${toText(block.created_at)}`,
    mayWrite ? link(`End ${subjectOf(block)}`, ["blocks", block.id]) : "by an administrator",
  ];
  return [
    "Blocks",
    p("What gets no codes for a time. All instances apply a block within five seconds. Codes that "
      + "were sent before, sessions and sign-ins of the staff go on. At most 50 are active."),
    blocks.length
      ? table("The blocks that are active, the oldest first",
          ["what", "until", "reason", "added by", "end"], blocks.map(toRow))
      : p("There are no blocks."),
    mayWrite && [
      h("h2", {}, "Add a block"),
      p("Numbers of a prefix or a country get what those of a country get that is not served. "
        + "Requests for codes from a network get what a full limit gives."),
      form(BLOCK_FIELDS, "Add the block", addBlock),
    ],
  ];
}

async function addBlock({ kind, subject, hours, reason }) {
  const seconds = Math.round(Number(hours) * 3600) || 0;
  await post("/admin/blocks", { [kind]: subject, seconds, reason }).catch((error) => {
    const { [kind]: wrongSubject, seconds: wrongTime, ...others } = error.fields ?? {};
    throw Object.assign(error, { fields: { ...others, subject: wrongSubject, hours: wrongTime } });
  });
  go("#/blocks", "The block is active. All instances apply it within five seconds.");
}

const endOfBlockPage = (block) =>
  ask({
    title: `End the block of ${subjectOf(block)}`,
    about: list([["until", block.ends_at], ["reason", block.reason]]),
    text: "Then what it keeps out gets codes again. All instances stop to apply it within five "
      + "seconds.",
    back: ["blocks"],
    submit: async ({ reason }) => {
      await post(`/admin/blocks/${block.id}/end`, { reason });
      go("#/blocks", "The block has ended.");
    },
  });

// Library

export const openLibrary = (values, id, act) => (id ? openItem(id, act) : openItems(values));

async function openItems({ user_id, state, cursor }) {
  const selected = { user_id, state };
  const page = await load("/admin/library", { ...selected, cursor, limit: 24 });
  const isHidden = state === "hidden";
  const toCard = (item) => {
    const alt = `Picture of ${toText(item.created_at)}, ${item.id.slice(-6)}`;
    return h("li", {},
      h("a", { href: addressOf(["library", item.id]) }, picture(item, "thumbnail", { alt })),
      joined(toText(item.created_at), item.type === "gif" && "GIF"),
      linkToOwner(item, `Owner …${item.user_id.slice(-6)}`));
  };
  const choose = async (typed) => {
    // Somebody may have typed a phone number, which gets into no address.
    if (typed.user_id && !ID.test(typed.user_id))
      throw wrong("user_id", "A user id has 24 hex digits.");
    return select("library", openItems, { state, ...typed });
  };
  const options = { value: user_id, isOptional: true };
  const owner = field("user_id", "User id", "Of one user only. Empty: of all.", options);
  return [
    isHidden ? "Hidden pictures" : "Library",
    kinds("State of the pictures", "library", [
      ["Shown", { user_id }, !isHidden],
      ["Hidden", { user_id, state: "hidden" }, isHidden],
    ]),
    form([owner], "Show", choose),
    h("h2", {}, cursor ? "Older pictures" : "Newest first"),
    page.items.length
      ? h("ul", { class: "thumbnails" }, page.items.map(toCard))
      : p("There are none", page.next_cursor && " on this page, but there may be older ones", "."),
    nextPage("library", selected, page.next_cursor),
  ];
}

const linkToOwner = ({ user_id }, text) =>
  may("users:read") ? link(text, ["people", user_id]) : link(text, ["library"], { user_id });

/** An image of a picture, `thumbnail` or `file`. It is loaded with the token. */
function picture({ id }, name, attributes) {
  const image = h("img", { ...attributes, load: () => URL.revokeObjectURL(image.src) });
  send("GET", `/admin/library/${id}/${name}`)
    .then((response) => response.blob())
    .then((blob) => (image.src = URL.createObjectURL(blob)))
    .catch(() => image.replaceWith("The file is not there."));
  return image;
}

const STILL_REACHABLE =
  "The service does not serve the file of a hidden picture. Where files are in a public bucket or "
  + "behind a CDN, anybody with the URL of the file can open it until the picture is deleted; a "
  + "presigned URL opens it for two days at most.";
const ITEM_ACTS = {
  hide: {
    title: "Hide the picture",
    text: "Then only staff sees it, here. For its owner and all others it does not exist. It "
      + `counts in the owner's quota, and can be shown again. ${STILL_REACHABLE}`,
    done: "The picture is hidden.",
  },
  unhide: {
    title: "Show the picture again",
    text: "Then those see it who saw it before, at the same URLs.",
    done: "The picture is shown again.",
  },
  delete: {
    title: "Delete the picture",
    text: "The picture and its files are deleted at once. This is final. Copies in caches and "
      + "browsers expire later.",
    done: "The picture is deleted.",
    isFinal: true,
  },
};

async function openItem(id, act) {
  const item = await load(`/admin/library/${id}`);
  const isHidden = item.state === "hidden";
  const acts = may("library:moderate") ? [isHidden ? "unhide" : "hide", "delete"] : [];
  if (acts.includes(act)) return itemActPage(item, act);
  const { user_id, width, height } = item;
  const variants = Object.entries(item.variants).map(([name, size]) =>
    `${name} (${size.replace("x", " × ")})`);
  const image = { class: "picture", alt: "The picture itself", width, height };
  return [
    isHidden ? "Hidden picture" : "Picture",
    isHidden && h("p", { class: "warning" }, "Only staff sees this picture. ", STILL_REACHABLE),
    picture(item, "file", image),
    h("h2", {}, "Details"),
    list([
      ["id", item.id],
      ["owner", linkToOwner(item, user_id)],
      ["uploaded", item.created_at],
      ["state", item.state],
      ["category", item.category ?? "none"],
      ["type", item.content_type],
      ["size", `${width} × ${height} pixels, ${toText(item.bytes)} bytes`],
      ["variants", variants.join(", ") || "none"],
    ]),
    h("h2", {}, "What you can do"),
    links([
      ...acts.map((name) => link(ITEM_ACTS[name].title, ["library", item.id, name])),
      link("All pictures of this owner", ["library"], { user_id }),
    ]),
  ];
}

function itemActPage(item, act) {
  const { done, ...words } = ITEM_ACTS[act];
  return ask({
    ...words,
    about: [
      picture(item, "thumbnail", { class: "preview", alt: "The picture" }),
      list([["owner", item.user_id], ["uploaded", item.created_at]]),
    ],
    back: ["library", item.id],
    submit: async ({ reason }) => {
      await send("POST", `/admin/library/${item.id}/${act}`, { reason });
      go(addressOf(act === "delete" ? ["library"] : ["library", item.id]), done);
    },
  });
}

// Calls

export async function openCalls({ cursor }) {
  const page = await load("/admin/calls", { cursor, limit: 50 });
  const toRow = (call) => [
    call.started_at, call.direction, joined(call.status, inWords(call.outcome ?? "")),
    call.duration_seconds != null && `${call.duration_seconds} s`,
    call.path.map(inWords).join(", "),
    call.user_id && may("users:read") ? link(call.user_id, ["people", call.user_id]) : call.user_id,
    call.caller_verified,
    call.recordings?.map((recording, index) => makePlayer(call, recording, index)) ?? "not shown",
  ];
  const columns = [
    "time", "direction", "result", "duration", "menu", "number of", "user proved", "recordings",
  ];
  return [
    "Calls",
    p("Anybody can call with any number: an inbound call may be of somebody else than the user "
      + "whose number it came from. The audit keeps who listened to a recording."),
    page.calls.length
      ? table(cursor ? "Older calls" : "Newest first", columns, page.calls.map(toRow))
      : p("There are no calls."),
    nextPage("calls", {}, page.next_cursor),
  ];
}

/** A button that becomes a player. */
function makePlayer(call, { duration_seconds: seconds }, index) {
  const label = `Recording ${index + 1} of ${toText(call.started_at)}`;
  const listen = form([], `Listen, ${seconds} s`, async () => {
    const response = await send("GET", `/admin/calls/${call.id}/recording?index=${index}`);
    const src = URL.createObjectURL(await response.blob());
    listen.replaceWith(h("audio", { controls: "", src, "aria-label": label }));
  });
  return listen;
}

// Audit

export async function openAudit({ user, actor, cursor }) {
  const page = await load("/admin/audit", { user, actor, cursor, limit: 50 });
  const isUser = ID.test(user) && page.entries.length > 0 && may("users:read");
  const choose = async (typed) => select("audit", openAudit, {
    user: typed.user && (await findSubject("user", typed.user)),
    actor: typed.actor && (await findActor(typed.actor)),
  });
  const fields = [
    field("user", "About whom", "A phone number with +, a username or an id, also that of a "
      + "deleted account.", { value: user, isOptional: true }),
    field("actor", "By whom", "Somebody of the staff, by phone number, username or id. Others: "
      + "service_token:ID, operating_system_user:NAME, user:ID.",
      { value: actor, isOptional: true }),
  ];
  return [
    "Audit",
    p("What staff, backends and commands did, and which full numbers they saw. Entries are kept "
      + "for 400 days, and cannot be changed."),
    form(fields, "Show", choose),
    h("h2", {}, cursor ? "Older entries" : "Newest first"),
    isUser && p(link("See this person", ["people", user])),
    (user || actor) && p(link("Show all entries", ["audit"])),
    page.entries.length
      ? table("Entries", ["time", "act", "about", "by", "reason"], page.entries.map(toEntryRow))
      : p("There are none", page.next_cursor && " on this page, but there may be older ones",
          ". A deleted account's entries are found by its id."),
    nextPage("audit", { user, actor }, page.next_cursor),
  ];
}

function toEntryRow({ at, action, role, error, count, subject, item_id: item, actor, reason }) {
  const toActor = link(actor.id, ["audit"], { actor: `${actor.kind}:${actor.id}` });
  return [
    at,
    joined(action, role && `(${role})`, count != null && `(${count})`, error && `failed: ${error}`),
    [
      link(subject, ["audit"], { user: subject }),
      item && [h("br"), "item ", may("library:read") ? link(item, ["library", item]) : item],
    ],
    [actor.role ?? inWords(actor.kind), " ", toActor, " ", describeName(actor)],
    reason,
  ];
}

/** What the audit calls somebody: the id of the account, or the hash of a phone without one. */
async function findSubject(field, text) {
  const found = await findReadings(text).catch((error) => {
    if (error.status === 404 && /^[0-9a-f]{16,64}$/.test(text)) return [{ subject: text }];
    throw [400, 404].includes(error.status) ? wrong(field, error.message) : error;
  });
  if (found.length === 1) return found[0].subject;
  throw wrong(field, `This may mean ${found.length} people. Search for one, and use the id.`);
}

const ACTOR =
  /^((administrator|user|service_token):[0-9a-f]{24}|operating_system_user:.+)$/;

async function findActor(text) {
  if (ACTOR.test(text)) return text;
  return `administrator:${await findSubject("actor", text)}`;
}
