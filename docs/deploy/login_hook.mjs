// A hook for DIALTONE_LOGIN_HOOK that decides about logins (docs/hooks.md). It needs Node.js 18 or newer.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const secrets = process.env.LOGIN_HOOK_SECRET.split(",").filter(Boolean); // an empty key would let anybody sign
const keys = secrets.map((secret) => Buffer.from(secret.replace("whsec_", ""), "base64"));
const suspended = new Set((process.env.SUSPENDED ?? "").split(",")); // your database
const decided = new Map(); // so that a question that is asked again gets the same response

function isSigned(headers, body) {
  const [id, time] = [headers["webhook-id"], headers["webhook-timestamp"]];
  const given = (headers["webhook-signature"] ?? "").split(" ").map((text) => Buffer.from(text));
  const expected = keys.map((key) =>
    Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64")));
  const isEqual = (one, other) => one.length === other.length && timingSafeEqual(one, other);
  return Math.abs(Date.now() / 1000 - time) < 300 && expected.some((one) => given.some((other) => isEqual(one, other)));
}

function decide({ type, data }) {
  if (type !== "login.pending") return { decision: "allow" }; // login.test is about nobody
  if (suspended.has(data.external_id) || suspended.has(data.user_id))
    return { decision: "reject", text: "Your account is suspended. Write to help@example.org." };
  return { decision: "allow", claims: { plan: data.user_id ? "gold" : "free" } };
}

createServer(async (request, response) => {
  const chunks = await request.toArray().catch(() => []); // the request may break off
  const body = Buffer.concat(chunks).toString();
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const [id, question] = [request.headers["webhook-id"], JSON.parse(body)];
  if (!decided.has(id)) {
    decided.set(id, decide(question));
    setTimeout(() => decided.delete(id), 600_000).unref(); // a code is good for five minutes
  }
  console.log(question.type, id, decided.get(id).decision);
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(decided.get(id)));
}).listen(process.env.PORT ?? 8080, "127.0.0.1");
