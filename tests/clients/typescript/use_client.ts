// Sign in and upload an image with the generated types: `use_client.js URL PHONE OTP IMAGE`.
//
// The compiler checks this program strictly. It has errors if a type of the description becomes
// less exact.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { IsoTime, paths } from "./description.js";

const [baseUrl = "", phone = "", otp = "", image = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl });

await checkErrors();
await signIn();
const userId = await createUser();
await uploadAndDownload(userId);

async function checkErrors(): Promise<void> {
  const { error } = await client.POST("/auth/request-otp", { body: { phone: "+10000000000" } });
  assert(error?.code === "invalid");
  assert("field_errors" in error);
  assert.deepEqual(error.field_errors.map((invalid) => invalid.field), ["phone"]);

  const refused = await client.GET("/users/me");
  // A later version may add codes: the compiler would not compare an enumeration with another one.
  assert(refused.error?.code !== "new");
  assert.equal(refused.error?.code, "unauthenticated");
}

async function signIn(): Promise<void> {
  const requested = await client.POST("/auth/request-otp", { body: { phone } });
  assert(requested.data);

  const wrongOtp = [...otp].reverse().join("");
  const wrong = await client.POST("/auth/verify-otp", { body: { phone, otp: wrongOtp } });
  assert(wrong.data);
  assert(!wrong.data.success);
  assert(wrong.data.attempts_left > 0);
  // @ts-expect-error A wrong code has no token.
  assert.equal(wrong.data.access_token, undefined);

  const body = { phone, otp, request_id: requested.data.request_id };
  const { data } = await client.POST("/auth/verify-otp", { body });
  assert(data?.success);
  assert.equal(data.username, null);
  const token: string = data.access_token;
  client.use({
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${token}`);
    },
  });
}

async function createUser(): Promise<string> {
  const created = await client.POST("/users", { body: { username: "Asha Rao", number: phone } });
  assert(created.data);
  const me = await client.GET("/users/me");
  assert(me.data);
  assert.equal(me.data._id, created.data.user_id);
  checkRecent(me.data.created_on);

  const { data } = await client.GET("/auth/sessions");
  const session = data?.sessions[0];
  assert(session);
  checkRecent(session.created);
  checkRecent(session.last_used);
  assert(new Date(session.expires) > new Date(session.last_used));
  return me.data._id;
}

async function uploadAndDownload(user_id: string): Promise<void> {
  const content = new Uint8Array(await readFile(image));
  const file = new Blob([content], { type: "image/jpeg" });
  const uploaded = await client.POST("/library/upload", {
    body: { file, user_id, category: "art" },
    bodySerializer: (body) => {
      const form = new FormData();
      form.append("file", body.file, "IMG_0001.JPG");
      form.append("user_id", body.user_id);
      form.append("category", body.category ?? "");
      return form;
    },
  });
  assert(uploaded.data, JSON.stringify(uploaded.error));
  assert.equal(uploaded.data.category, "art");
  checkRecent(uploaded.data.created_at);

  const page = await client.GET("/library", { params: { query: { user_id } } });
  assert.deepEqual(page.data?.items.map((item) => item.id), [uploaded.data.id]);

  const [folder = "", name = ""] = new URL(uploaded.data.url).pathname.split("/").slice(-2);
  const path = { folder, name };
  const media = await client.GET("/media/{folder}/{name}", { params: { path }, parseAs: "blob" });
  assert(media.data);
  const bytes = new Uint8Array(await media.data.arrayBuffer());
  assert.deepEqual([bytes[0], bytes[1]], [0xff, 0xd8]);
}

function checkRecent(time: IsoTime): void {
  assert(Math.abs(Date.now() - Date.parse(time)) < 600_000);
}
