// A hook for DIALTONE_SMS that prints messages (docs/hooks.md). It needs Node.js 18 or newer.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.SMS_HOOK_SECRET.replace("whsec_", ""), "base64");
const sign = (id, time, body) =>
  "v1," + createHmac("sha256", key).update(`${id}.${time}.${body}`).digest("base64");
const isEqual = (one, other) => one.length === other.length && timingSafeEqual(one, other);

function isSigned(headers, body) {
  const time = headers["webhook-timestamp"];
  const expected = Buffer.from(sign(headers["webhook-id"], time, body));
  const given = (headers["webhook-signature"] ?? "").split(" ").map((text) => Buffer.from(text));
  return Math.abs(Date.now() / 1000 - time) < 300 && given.some((one) => isEqual(one, expected));
}

async function report(message, status) {
  const [id, time, body] = [message.message_id, Math.floor(Date.now() / 1000), JSON.stringify({ status })];
  const headers = { "webhook-id": id, "webhook-timestamp": `${time}`, "webhook-signature": sign(id, time, body) };
  await fetch(message.status_url, { method: "POST", headers, body });
}

createServer(async (request, response) => {
  const chunks = await request.toArray().catch(() => []); // the request may break off
  const body = Buffer.concat(chunks).toString();
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  const message = JSON.parse(body);
  console.log(message.phone, message.text); // your provider sends it here
  response.writeHead(202).end(JSON.stringify({ provider_id: message.message_id }));
  for (const status of message.status_url ? ["sent", "delivered"] : [])
    await report(message, status).catch(console.error);
}).listen(process.env.PORT ?? 8080, "127.0.0.1");
