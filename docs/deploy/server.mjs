// A website that is rendered on a server, and signs its visitors in (docs/server.md). It needs Node.js 18 or newer.
import { createServer } from "node:http";

const service = process.env.SERVICE_URL; // http://10.0.0.5:8000: not that of its proxy, which replaces X-Forwarded-For
const origin = process.env.ORIGIN; // https://www.example.org: that of this website, as browsers see it
const proxies = (process.env.PROXIES ?? "127.0.0.1").split(","); // the IPs of this website's own proxies

/** Return the IP of the visitor: the last one, which the own proxy adds. A visitor can send all others. */
function ipOf(request) {
  const peer = request.socket.remoteAddress.replace("::ffff:", "");
  const forwarded = request.headers["x-forwarded-for"];
  return forwarded && proxies.includes(peer) ? forwarded.split(",").at(-1).trim() : peer;
}

/** Send a request for a visitor, and after a lost response the same again: that changes nothing twice. */
async function send(request, method, path, { token, body, timeout = 30_000 } = {}) {
  const headers = { "Content-Type": "application/json", "X-Forwarded-For": ipOf(request) };
  headers["User-Agent"] = request.headers["user-agent"] ?? ""; // it names the device in the list of sessions
  if (token) headers.Authorization = `Bearer ${token}`;
  const attempt = async () => {
    const signal = AbortSignal.timeout(timeout);
    const response = await fetch(service + path, { method, headers, body: JSON.stringify(body), signal });
    const text = await response.text();
    return { status: response.status, fields: text ? JSON.parse(text) : {} };
  };
  return attempt().catch(attempt);
}

// A page below the same domain can set other cookies here, but none with this prefix.
const cookiesOf = ({ headers }) => Object.fromEntries((headers.cookie ?? "").split("; ")
  .filter((pair) => pair.startsWith("__Host-")).map((pair) => pair.slice(7).split(/=(.*)/s)));
const cookie = (name, value, seconds) =>
  `__Host-${name}=${value}; Max-Age=${seconds}; Path=/; HttpOnly; Secure; SameSite=Lax`;
const session = ({ access_token, expires_in, refresh_token, refresh_expires_in }) =>
  [cookie("access", access_token, expires_in), cookie("refresh", refresh_token, refresh_expires_in)];
const signedOut = [cookie("access", "", 0), cookie("refresh", "", 0)];

const escape = (text) => String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const form = (action, button, fields = "") =>
  `<form method="post" action="${action}">${fields}<button>${button}</button></form>`;
const hidden = (name, value) => `<input type="hidden" name="${name}" value="${escape(value)}">`;
const phoneForm = () =>
  form("/code", "Send a code", '<label>Phone <input name="phone" type="tel" autocomplete="tel" required></label>');
const otpForm = (phone, id) => form("/sign-in", "Sign in", hidden("phone", phone) + hidden("request_id", id) +
  '<label>Code <input name="otp" inputmode="numeric" autocomplete="one-time-code" required></label>');

/** Return the page of an error, whose status is that of the service. */
function problem({ status, fields }, html = "") {
  const text = fields.error ?? fields.message ?? Object.values(fields.errors ?? {}).flat().join(" ");
  return { status: status === 200 ? 400 : status, html: `<p role="alert">${escape(text)}</p>${html}` };
}

/** Exchange the refresh token; only a 401 ends the session. The browser repeats its request with the new tokens. */
async function refresh(request, refresh_token) {
  // Two attempts take less than the ten seconds in which a refresh token gets the same successor.
  const result = await send(request, "POST", "/auth/refresh", { body: { refresh_token }, timeout: 4_500 });
  if (result.status === 200) return { status: 307, location: request.url, cookies: session(result.fields) };
  return result.status === 401 ? { status: 303, location: "/", cookies: signedOut } : problem(result);
}

const logOut = (request, refresh_token) => send(request, "POST", "/auth/logout", { body: { refresh_token } });

const routes = {
  async "GET /"(request, { access }) {
    if (!access) return { html: phoneForm() };
    const result = await send(request, "GET", "/users/me", { token: access });
    // Expired, or the session has ended: without the access token, the next request refreshes.
    if (result.status === 401) return { status: 307, location: request.url, cookies: [cookie("access", "", 0)] };
    if (![200, 404].includes(result.status)) return problem(result); // 404: without a name yet
    return { html: `<p>Hello, ${escape(result.fields.username ?? "you")}.</p>${form("/sign-out", "Sign out")}` };
  },

  async "POST /code"(request, { device }, { phone }) {
    const locale = request.headers["accept-language"]?.split(/[,;]/)[0];
    const body = { phone, platform: "web", locale, device_token: device };
    const result = await send(request, "POST", "/auth/request-otp", { body });
    return result.status === 200 ? { html: otpForm(phone, result.fields.request_id) } : problem(result, phoneForm());
  },

  async "POST /sign-in"(request, cookies, { phone, otp, request_id }) {
    const body = { phone, otp, request_id, device_token: cookies.device, refresh: true };
    const result = await send(request, "POST", "/auth/verify-otp", { body });
    const { success, device_token, refresh_token } = result.fields;
    if (!success) return problem(result, otpForm(phone, request_id) + phoneForm());
    // Otherwise the session of an earlier sign-in, such as in another tab, stays open.
    if (![undefined, refresh_token].includes(cookies.refresh)) await logOut(request, cookies.refresh).catch(() => {});
    const device = cookie("device", device_token, 180 * 86_400);
    return { status: 303, location: "/", cookies: [...session(result.fields), device] };
  },

  async "POST /sign-out"(request, cookies) {
    const result = cookies.refresh && await logOut(request, cookies.refresh);
    // The session is still open: the visitor has to see that, and can try again.
    if (result && result.status !== 204) return problem(result, form("/sign-out", "Sign out"));
    return { status: 303, location: "/", cookies: signedOut };
  },
};

async function respond(request) {
  const route = routes[`${request.method} ${request.url.split("?")[0]}`];
  if (!route) return { status: 404, html: "There is no such page." };
  // A page of another website sends its own origin, and may not sign a visitor in or out.
  if (request.method === "POST" && request.headers.origin !== origin) return { status: 403, html: "Not from here." };
  let text = "";
  for await (const chunk of request) if ((text += chunk).length > 10_000) throw new Error("The form is too long.");
  const cookies = cookiesOf(request);
  if (!cookies.access && cookies.refresh) return refresh(request, cookies.refresh); // the access token has expired
  return route(request, cookies, Object.fromEntries(new URLSearchParams(text)));
}

createServer(async (request, response) => {
  const { status = 200, html = "", location, cookies = [] } = await respond(request).catch((error) => {
    console.error(error);
    return { status: 503, html: "Try again in a moment." }; // and all cookies stay
  });
  const headers = { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Set-Cookie": cookies };
  headers["Content-Security-Policy"] = "default-src 'none'; form-action 'self'; frame-ancestors 'none'";
  if (location) headers.Location = location;
  response.writeHead(status, headers).end(html);
}).listen(process.env.PORT ?? 8080, "127.0.0.1");
