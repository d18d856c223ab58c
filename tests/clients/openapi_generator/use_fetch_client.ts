// Sign in and upload an image with the generated client: `use_fetch_client.js URL PHONE OTP IMAGE`.
//
// The compiler checks this program and the client strictly. It has errors if a type of the
// description becomes less exact.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  Configuration,
  LibraryApi,
  OTPApi,
  ServiceErrorFromJSON,
  UsersApi,
} from "./fetch_client/index.js";

const [basePath = "", phone = "", otp = "", image = ""] = process.argv.slice(2);
const otpApi = new OTPApi(new Configuration({ basePath }));

// A later version may add codes and fields.
assert.equal(ServiceErrorFromJSON({ error: "New.", code: "new", new: 1 }).code, "new");
const { requestId } = await otpApi.requestOtp({ requestOtpBody: { phone, channel: "sms" } });
const verified = await otpApi.verifyOtp({ verifyOtpBody: { phone, otp, requestId } });
assert("accessToken" in verified);
const { accessToken, userId } = verified;

const signedIn = new Configuration({ basePath, accessToken });
const users = new UsersApi(signedIn);
await users.createUser({ createUserBody: { username: "Ana López", number: phone } });
const { createdOn } = await users.getMe();
assert(Math.abs(Date.now() - createdOn.getTime()) < 600_000);

const library = new LibraryApi(signedIn);
const file = new Blob([new Uint8Array(await readFile(image))], { type: "image/jpeg" });
const item = await library.uploadImage({ file, userId, category: "art" });
assert.equal(item.category, "art");
const page = await library.listLibraryItems({ userId });
assert.deepEqual(page.items.map((found) => found.id), [item.id]);
assert.equal(page.nextCursor, null);
