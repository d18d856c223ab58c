// What a web app does with the types of dialtone.js; the compiler checks it strictly.

import { Dialtone, DialtoneError, VERSION, type Challenge, type Item, type Passkey, type User } from "./dialtone.js";
import * as implementation from "./implementation.js";

// The module has what its types say. Only these know that an error has the fields of its response.
const DialtoneOfModule: typeof Dialtone = implementation.Dialtone;
export const versions: [typeof VERSION, string] = [implementation.VERSION, VERSION];
type Field = "name" | "code" | "message" | "status" | "retry_after" | "resend_in" | "request_id" | "hint" | "field_errors";
export const error: Pick<DialtoneError, Field> = new implementation.DialtoneError("invalid", "Text");

export async function useModule(file: File): Promise<Item | null> {
  const attest = async ([challenge]: Challenge[]) => ({ type: challenge!.type, response: "solved" });
  const dialtone = new DialtoneOfModule({ url: "https://api.example.org", attest });
  dialtone.addEventListener("sessionchange", () => show(dialtone.session));
  dialtone.addEventListener("requestedchange", () => void dialtone.cancelRequest());
  // @ts-expect-error There is no such event.
  dialtone.addEventListener("signout", () => undefined);

  const { signal } = new AbortController();
  await dialtone.requestOtp({ phone: "+14155552671", channel: "sms" }, { signal });
  const { request_id, resend_in } = dialtone.requested ?? { request_id: "", resend_in: 0 };
  await dialtone.request("GET", `/auth/requests/${request_id}`, undefined, { signal });
  // @ts-expect-error There is no such channel.
  await dialtone.requestOtp({ phone: "+14155552671", channel: "pigeon" });
  try {
    show(await dialtone.verifyOtp({ otp: "123456" }, { signal }));
  } catch (error) {
    if (!(error instanceof DialtoneError)) throw error;
    const seconds: number = error.resend_in ?? error.retry_after ?? resend_in;
    const fields: string[] = error.field_errors.map(({ field }) => field);
    throw new Error(`${error.code} ${error.attempts_left} ${seconds} ${fields}`);
  }
  show(await dialtone.signInWithPasskey({ conditional: true, device: "Browser" }, { signal }));
  const { id: passkeyId }: Passkey = await dialtone.addPasskey({ name: "laptop" }, { signal });
  // @ts-expect-error Passkeys have names.
  await dialtone.addPasskey("laptop");
  await dialtone.request("DELETE", `/users/me/passkeys/${passkeyId}`);
  const response: Response = await dialtone.fetch("/users/me");
  // @ts-expect-error The session can be null.
  const userId: string = dialtone.session.user_id;
  const token: string = await dialtone.accessToken({ refresh: true, signal });
  // @ts-expect-error It is the same object for all.
  if (dialtone.session) dialtone.session.username = token;
  await dialtone.signOut({ scope: "others", forget: true, signal });
  return response.ok ? dialtone.upload(file, { category: userId }) : null;
}

function show(user: User | null): void {
  const name: string | null = user && user.username;
  console.log(name);
}
