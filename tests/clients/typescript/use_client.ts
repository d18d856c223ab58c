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

const { error } = await client.POST("/auth/request-otp", { body: { phone: "+10000000000" } });
assert(error?.code === "invalid");
assert("field_errors" in error);
assert.deepEqual(error.field_errors.map((invalid) => invalid.field), ["phone"]);
const refused = await client.GET("/users/me");
// A later version may add codes: the compiler would not compare an enumeration with another one.
assert(refused.error?.code !== "new");
assert.equal(refused.error?.code, "unauthenticated");

const requested = await client.POST("/auth/request-otp", { body: { phone } });
assert(requested.data);
const { request_id } = requested.data;
const verified = await client.POST("/auth/verify-otp", { body: { phone, otp, request_id } });
assert(verified.data);
// @ts-expect-error A wrong code has no token.
assert(verified.data.access_token);
assert(verified.data.success);
const token: string = verified.data.access_token;
client.use({
  onRequest({ request }) {
    request.headers.set("Authorization", `Bearer ${token}`);
  },
});

const created = await client.POST("/users", { body: { username: "Asha Rao", number: phone } });
assert(created.data);
const me = await client.GET("/users/me");
assert(me.data);
assert.equal(me.data._id, created.data.user_id);
checkRecent(me.data.created_on);

const user_id = me.data._id;
const file = new Blob([new Uint8Array(await readFile(image))], { type: "image/jpeg" });
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

function checkRecent(time: IsoTime): void {
  assert(Math.abs(Date.now() - Date.parse(time)) < 600_000);
}
