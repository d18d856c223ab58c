// Sign in and upload an image with the client of hey-api: `use_zod_client.js URL PHONE OTP IMAGE`.
// Requests and responses are checked by its schemas for zod.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { client } from "./hey_api/client.gen.js";
import * as api from "./hey_api/sdk.gen.js";
import * as schemas from "./hey_api/zod.gen.js";

const [baseUrl = "", phone = "", otp = "", image = ""] = process.argv.slice(2);
client.setConfig({ baseUrl, throwOnError: true });

const spaced = `${otp.slice(0, 3)} - ${otp.slice(3)}`;
const arabic = otp.replace(/./g, (digit) => String.fromCodePoint(0x660 + Number(digit)));
for (const typed of [otp, spaced, arabic]) {
  schemas.zVerifyOtpBody.parse({ phone, otp: typed });
}
for (const typed of ["", otp.slice(1), "letters", `${otp}!`]) {
  assert(!schemas.zVerifyOtpBody.safeParse({ phone, otp: typed }).success, typed);
}
// A later version may add codes, statuses and fields.
assert.equal(schemas.zServiceError.parse({ error: "New.", code: "new", new: 1 }).code, "new");
assert.equal(schemas.zDeliveryStatusResponse.parse({ status: "new" }).status, "new");

const requested = await api.requestOtp({ body: schemas.zRequestOtpBody.parse({ phone }) });
const { request_id } = schemas.zRequestOtpResponse.parse(requested.data);
const verified = await api.verifyOtp({ body: { phone, otp: arabic, request_id, device: "Zoë’s" } });
const parsed = schemas.zVerifyOtpResponse.parse(verified.data);
assert(parsed.success);
const auth: string = parsed.access_token;
client.setConfig({ baseUrl, throwOnError: true, auth });

const body = schemas.zCreateUserBody.parse({ username: "Mei Lin", number: phone });
const { user_id } = schemas.zCreateUserResponse.parse((await api.createUser({ body })).data);
const file = new Blob([new Uint8Array(await readFile(image))], { type: "image/jpeg" });
const uploaded = await api.uploadImage({ body: { file, user_id, category: "art" } });
const item = schemas.zUploadImageResponse.parse(uploaded.data);
const listed = await api.listLibraryItems({ query: { user_id } });
const page = schemas.zLibraryPageResponse.parse(listed.data);
assert.deepEqual(page.items.map((found) => found.id), [item.id]);
