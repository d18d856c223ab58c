// Sign in, upload an image and list it with the generated client: `use_fetch_client.js URL PHONE OTP
// IMAGE`.
//
// The compiler checks this program and the client strictly. It has errors if a type of the
// description becomes less exact.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import {
  Configuration,
  DeliveryStatusResponseFromJSON,
  LibraryApi,
  OTPApi,
  ResponseError,
  ServiceErrorFromJSON,
  UsersApi,
  instanceOfRejectedOtpResponse,
} from "./fetch_client/index.js";

const [basePath = "", phone = "", otp = "", image = ""] = process.argv.slice(2);
const otpApi = new OTPApi(new Configuration({ basePath }));

await assert.rejects(otpApi.requestOtp({ requestOtpBody: { phone: "+10000000000" } }), ResponseError);
// A later version may add codes, statuses and fields.
assert.equal(ServiceErrorFromJSON({ error: "New.", code: "new", new: 1 }).code, "new");
const { status } = DeliveryStatusResponseFromJSON({ status: "new" });
const isOpen: string extends typeof status ? true : false = true;
assert(isOpen && status === "new");
const { requestId } = await otpApi.requestOtp({ requestOtpBody: { phone, channel: "sms" } });

const wrongOtp = [...otp].reverse().join("");
const wrong = await otpApi.verifyOtp({ verifyOtpBody: { phone, otp: wrongOtp } });
assert(instanceOfRejectedOtpResponse(wrong));
assert(wrong.attemptsLeft > 0);
// @ts-expect-error A wrong code has no token.
assert.equal(wrong.accessToken, undefined);

const verified = await otpApi.verifyOtp({ verifyOtpBody: { phone, otp, requestId } });
assert("accessToken" in verified);
assert.equal(verified.success, true);
assert.equal(verified.username, null);
const { accessToken, userId } = verified;

const signedIn = new Configuration({ basePath, accessToken });
const users = new UsersApi(signedIn);
const created = await users.createUser({ createUserBody: { username: "Ana López", number: phone } });
assert.equal(created.userId, userId);
const me = await users.getMe();
assert.equal(me.id, userId);
checkRecent(me.createdOn);

const library = new LibraryApi(signedIn);
const file = new Blob([new Uint8Array(await readFile(image))], { type: "image/jpeg" });
const item = await library.uploadImage({ file, userId, category: "art" });
assert.equal(item.category, "art");
checkRecent(item.createdAt);
const page = await library.listLibraryItems({ userId });
assert.deepEqual(page.items.map((found) => found.id), [item.id]);
assert.equal(page.nextCursor, null);

const [folder = "", name = ""] = new URL(item.url).pathname.split("/").slice(-2);
const media = await library.getMediaFile({ folder, name });
const bytes = new Uint8Array(await media.arrayBuffer());
assert.deepEqual([bytes[0], bytes[1]], [0xff, 0xd8]);

function checkRecent(time: Date): void {
  assert(Math.abs(Date.now() - time.getTime()) < 600_000);
}
