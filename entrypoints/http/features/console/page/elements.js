/**
 * What pages are made of.
 *
 * A page is a list: its title, and its elements. Each text of the API is put into it as text (`h`):
 * the policy of the console forbids HTML from texts.
 */

import { NoAnswer, toQuery } from "./api.js";

const SVG = "http://www.w3.org/2000/svg";
const content = document.getElementById("content");
const message = document.getElementById("message");

/** Make an element. Attributes that are false, null or undefined are left out. */
export function h(name, attributes = {}, ...children) {
  const isDrawn = ["svg", "g", "rect"].includes(name);
  const element = isDrawn ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...present(children));
  return element;
}

const present = (children) => children.flat(9).filter((child) => child != null && child !== false);

export const p = (...children) => h("p", {}, ...children);
const button = (text, click) => h("button", { type: "button", class: "quiet", click }, text);

// Pages

/** Show a page. Its heading gets the focus, so that a screen reader reads it. */
export function show(title, ...children) {
  const isFirst = !content.querySelector("h1");
  const heading = h("h1", { tabindex: -1 }, title);
  content.replaceChildren(heading, ...present(children));
  document.title = `${heading.textContent} – Dialtone console`;
  if (!isFirst) heading.focus();
}

export function say(text) {
  message.hidden = !text;
  message.textContent = text;
}

let nextMessage = "";

/** Open another page, which says what was done. */
export function go(address, text = "") {
  nextMessage = text;
  if (location.hash === address) dispatchEvent(new Event("hashchange"));
  else location.hash = address;
}

export function takeMessage() {
  const text = nextMessage;
  nextMessage = "";
  return text;
}

/** The address of a page: a fragment, which no log has. Its parts are names and ids. */
export function addressOf(parts, values = {}) {
  const query = toQuery(values);
  return `#/${parts.join("/")}${query && `?${query}`}`;
}

export const link = (text, parts, values) => h("a", { href: addressOf(parts, values) }, text);
export const links = (items, attributes = { class: "acts" }) =>
  h("ul", attributes, items.map((each) => h("li", {}, each)));

/** Links to kinds of the same page: `[text, values, isShown]`. */
export const kinds = (label, path, items) =>
  h("nav", { class: "choices", "aria-label": label },
    h("ul", {}, items.map(([text, values, isShown]) => {
      const href = addressOf([path], values);
      return h("li", {}, h("a", { href, "aria-current": isShown && "true" }, text));
    })));

export const nextPage = (path, values, cursor) =>
  cursor &&
  h("nav", { "aria-label": "Pages" },
    h("a", { rel: "next", href: addressOf([path], { ...values, cursor }) }, "Next page"));

// Values

export const inWords = (name) => name.replaceAll("_", " ");
export const capitalize = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const isTime = (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
const inUtc = (time) => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;

/** A value in one line; empty without one. */
export function toText(value) {
  if (value == null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en");
  if (isTime(value)) return inUtc(value);
  if (Array.isArray(value)) return value.map(toText).join(", ");
  if (typeof value !== "object") return value;
  const fields = Object.entries(value).map(([name, each]) => [inWords(name), toText(each)]);
  return fields.filter(([, text]) => text).map((field) => field.join(" ")).join(", ");
}

/** What an element shows of a value, which may be elements already. */
function toNodes(value) {
  if ([value].flat(9).some((each) => each instanceof Node)) return value;
  return isTime(value) ? h("time", { datetime: value }, inUtc(value)) : toText(value);
}

/** Names with their values. Those without a value are left out. */
export const list = (rows) =>
  h("dl", {}, rows.map(([name, value]) => [name, toNodes(value)]).filter(([, nodes]) => nodes)
    .map(([name, nodes]) => [h("dt", {}, capitalize(inWords(name))), h("dd", {}, nodes)]));

/**
 * A table that scrolls by itself, also by the keyboard. The first cell of a row is its heading.
 *
 * @param {{ size?: "small" | "wide" | "tall", hasHeading?: boolean }} options
 */
export function table(caption, columns, rows, { size = "wide", hasHeading = false } = {}) {
  const align = (value) => ({ class: typeof value === "number" && "number" });
  const head = columns.map((name, index) =>
    h("th", { scope: "col", ...align(rows[0]?.[index]) }, capitalize(inWords(name))));
  const body = rows.map(([first, ...others]) => h("tr", {},
    h("th", { scope: "row" }, toNodes(first)),
    others.map((value) => h("td", align(value), toNodes(value) || "none"))));
  const region = { class: `scroll ${size}`, role: "region", "aria-label": caption, tabindex: 0 };
  return h("div", region, h("table", {},
    h("caption", { class: hasHeading && "visually-hidden" }, caption),
    h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, body)));
}

/** A table of these fields of objects. */
export const tableOf = (caption, items, names, options) =>
  table(caption, names, items.map((item) => names.map((name) => item[name])), options);

// Forms

/** What went wrong, and the way out if there is one. */
export function explain(error) {
  const at = new Date(Date.now() + (error.retryAfter ?? 0) * 1000).toISOString();
  return [
    error.message,
    error.retryAfter && ` Try again at ${at.slice(11, 19)} UTC on ${at.slice(0, 10)}.`,
    error instanceof NoAnswer && [" ", button("Load the page again", () => location.reload())],
  ];
}

/** An error that a form shows at a field. */
export const wrong = (name, text) => Object.assign(new Error(text), { fields: { [name]: text } });

const inRed = (nodes) => [h("strong", {}, "Error:"), " ", ...present([nodes])];

/**
 * A field of a form: a text, or one of some choices, each `[value, words]`.
 *
 * @param {{ value?: string, choices?: string[][], isOptional?: boolean }} options
 */
export const field = (name, label, hint, options = {}) => ({ name, label, hint, ...options });

/**
 * A form of these fields.
 *
 * `submit` gets the values. It opens a page (`go`), or returns one to show. What it throws is shown
 * at its field, or above the button, and what was typed stays.
 */
export function form(fields, text, submit, { isFinal = false } = {}) {
  const problem = h("p", { class: "error", role: "alert" });
  const inputs = fields.map(makeInput);
  const send = h("button", { class: isFinal && "danger" }, text);
  const onSubmit = async (event) => {
    event.preventDefault();
    if (send.disabled) return; // a double click
    send.disabled = true;
    say("");
    problem.replaceChildren();
    for (const { showError } of inputs) showError("");
    const values = inputs.map(({ name, input }) => [name, input.value.trim()]);
    try {
      const page = await submit(Object.fromEntries(values));
      if (page && send.isConnected) show(...page);
    } catch (error) {
      if (error.status === 401) return go(location.hash);
      const found = inputs.filter(({ name }) => error.fields?.[name]);
      for (const { name, showError } of found) showError(error.fields[name]);
      if (found.length) found[0].input.focus();
      else problem.replaceChildren(...inRed(explain(error)));
      send.disabled = false;
    }
  };
  const elements = inputs.map(({ element }) => element);
  return h("form", { submit: onSubmit, novalidate: "" }, elements, problem, send);
}

function makeInput({ name, label, hint, value, choices = [], isOptional }) {
  const id = `field-${name}`;
  const error = h("p", { class: "error", id: `${id}-error` });
  const describedBy = `${hint ? `${id}-hint ` : ""}${id}-error`;
  const attributes = { id, name, required: !isOptional && "", "aria-describedby": describedBy };
  const input = choices.length
    ? h("select", attributes, choices.map(([choice, words = choice]) =>
        h("option", { value: choice, selected: choice === value && "" }, words)))
    : h("input", { ...attributes, value, autocomplete: "off" });
  const showError = (text) => {
    error.replaceChildren(...(text ? inRed(text) : []));
    input.setAttribute("aria-invalid", Boolean(text));
  };
  const hintElement = hint && h("p", { class: "hint", id: `${id}-hint` }, hint);
  const element = h("div", { class: "field" },
    h("label", { for: id }, label), hintElement, error, input);
  return { name, input, showError, element };
}

const REASON = field("reason", "Reason", "Such as the number of a ticket. The audit keeps it for "
  + "400 days, with your id. An export of the user's data has it too. The digits of phone numbers "
  + "are masked.");

/**
 * The page of an act, which says what happens and asks why.
 *
 * @param {{ title: string, text: any, submit: (values: any) => Promise<any>, back: string[],
 *   about?: any, fields?: any[], isFinal?: boolean, more?: any }} act
 */
export const ask = ({ title, text, submit, back, about, fields = [], isFinal, more }) => [
  `${title}?`,
  about,
  h("p", { class: isFinal && "warning" }, text),
  form([...fields, REASON], title, submit, { isFinal }),
  links([link("Cancel", back)]),
  more,
];

// Files

/** Save a file of the service; return the name that it has there. */
export async function save(response) {
  const [, name] = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition")) ?? [];
  const url = URL.createObjectURL(await response.blob());
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return name;
}

export const download = (href, name = "") => h("a", { href, download: name }).click();
