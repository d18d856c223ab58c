/** The types of dialtone.js. They compile with those of browsers, of Node.js, or with neither. */

/** What the platform has under a name, or what is needed of it. */
type Platform<Name extends string, Needed> = typeof globalThis extends {
  [name in Name]: { prototype: infer Found };
}
  ? Found
  : Needed;

type PlatformBlob = Platform<"Blob", { readonly size: number; readonly type: string }>;
type PlatformEvent = Platform<"Event", { readonly type: string }>;
type PlatformSignal = Platform<
  "AbortSignal",
  {
    readonly aborted: boolean;
    addEventListener(type: "abort", listener: () => void): void;
    removeEventListener(type: "abort", listener: () => void): void;
  }
>;
type PlatformResponse = Platform<
  "Response",
  {
    readonly ok: boolean;
    readonly status: number;
    readonly headers: { get(name: string): string | null };
    json(): Promise<any>;
    text(): Promise<string>;
  }
>;
type PlatformRequestInit = typeof globalThis extends {
  Request: new (input: any, init?: infer Init) => any;
}
  ? Init
  : { method?: string; headers?: Record<string, string>; body?: any; signal?: PlatformSignal };

/** The version of the service that the module is from. */
export const VERSION: string;

export interface DialtoneOptions {
  /** The URL of the service, such as `location.origin`. */
  url: string;
  /** Where the session is kept; `localStorage` by default. */
  storage?: DialtoneStorage;
  /** The beginning of all keys in the storage; `dialtone` by default. */
  prefix?: string;
  /** Makes one of the proofs that a 403 `attestation_required` asks for; null if it can make none. */
  attest?: (challenges: Challenge[]) => Promise<Proof | null>;
}

/** A `Storage` of browsers, or one whose functions return promises, as of React Native. */
export interface DialtoneStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): unknown;
  removeItem(key: string): unknown;
}

export type Challenge = { type: string } & Record<string, any>;

export interface Proof {
  type: string;
  response: string;
}

export interface OtpRequest {
  /** With `+` and the country code, or as people of the default region write it. */
  phone: string;
  channel?: "sms" | "voice" | "whatsapp";
  /** The language of the message, such as `navigator.language`. */
  locale?: string;
  /** `web` for a message that browsers read (WebOTP). */
  platform?: string;
  app_hash?: string;
}

export interface OtpRequested {
  request_id: string;
  /** False if the message was sent before; its code is still valid. */
  sent: boolean;
  /** Seconds until the code expires. */
  expires_in: number;
  /** Seconds until another message can be requested. */
  resend_in: number;
  /** What the country of the phone has. Offer a call if `voice` is one. */
  channels: string[];
}

/** The request for a code that `verifyOtp` completes. */
export interface Requested {
  readonly phone: string;
  readonly request_id: string;
  readonly expires_at: Date;
  /** Seconds from now until another message can be requested. */
  readonly resend_in: number;
}

/** What each call takes. */
export interface CallOptions {
  /** Stops the call, which then throws `aborted`. */
  signal?: PlatformSignal | null | undefined;
}

export interface SignOutOptions extends CallOptions {
  scope?: "this" | "others" | "all";
  /** Keep nothing for the next sign-in: no phones, no device tokens, no ids. */
  forget?: boolean;
}

export interface OtpVerification {
  otp: string;
  /** A name for the list of sessions. */
  device?: string;
}

export interface PasskeySignIn {
  /** A name for the list of sessions. */
  device?: string;
  /**
   * Offer passkeys in an input with `autocomplete="… webauthn"`, until one is taken, somebody signs in,
   * or another question for a passkey begins.
   */
  conditional?: boolean;
}

export interface Passkey {
  id: string;
  name: string;
  created_at: string;
  last_used_at: string | null;
}

export interface User {
  user_id: string;
  /** Null before `POST /users`: ask for a name. */
  username: string | null;
}

export interface Session extends Readonly<User> {
  /** When the session ends if it is not used. */
  readonly expires_at: Date;
}

/** A `Blob` or `File`; in React Native, what its `FormData` takes as a file. */
export type UploadFile = PlatformBlob | { uri: string; name: string; type: string; size?: number };

export interface UploadOptions extends CallOptions {
  /** A label of your app. */
  category?: string | null;
  /**
   * Gets the bytes of the request that were sent: 0 at once, also while the upload waits for
   * others, and from 0 again if it is repeated. Without `XMLHttpRequest` it is 0, and then all.
   */
  onProgress?: (sent: number, total: number) => void;
  /** Gets the error after which the upload will be repeated, such as a lost connection. */
  onRepeat?: (error: DialtoneError) => void;
  /** Keep it if the app repeats the upload, also after a reload; random by default. */
  idempotencyKey?: string;
}

export interface Item {
  id: string;
  url: string;
  type: "image" | "gif";
  category: string | null;
  width: number;
  height: number;
  bytes: number;
  content_type: string;
  variants: Record<string, string>;
  created_at: string;
  user_id: string;
}

export class DialtoneError extends Error {
  constructor(code: string, message: string, fields?: Record<string, unknown>);
  /** That of the service, or one of those that dialtone.js lists. */
  code: string;
  /** The status of the response; 0 if there was none. */
  status: number;
  /** Seconds until another attempt is useful. */
  retry_after?: number;
  /** Of `too_many_attempts`: seconds until a new code can be requested. */
  resend_in?: number;
  /** The `X-Request-Id` of the response. */
  request_id?: string;
  /** Of `network_error`: for developers, not for users. */
  hint?: string;
  field_errors: { field: string; code: string; message: string }[];
  /** Of `invalid_otp`. */
  attempts_left?: number;
  /** Of `file_too_large`: the maximum in bytes. */
  limit?: number;
  /** Other fields of the response. */
  [field: string]: unknown;
}

/** `session` or `requested` has changed, in this tab or in another one. */
export type DialtoneEvent = "sessionchange" | "requestedchange";

/** Each method throws a `DialtoneError`, and nothing else. */
export class Dialtone {
  constructor(options: DialtoneOptions);
  /** Resolved when an asynchronous storage was read: `session` and `requested` are null before. */
  readonly ready: Promise<void>;
  /** Who is signed in, or null: the same object until it changes. */
  get session(): Session | null;
  /** The last request for a code, until its code is used or expires; null if there is none. */
  get requested(): Requested | null;
  requestOtp(request: OtpRequest, options?: CallOptions): Promise<OtpRequested>;
  /** Forget the last request for a code: the user wants to use another number. */
  cancelRequest(): Promise<void>;
  /** Sign in. The session before it is ended. */
  verifyOtp(verification: OtpVerification, options?: CallOptions): Promise<User>;
  /** Sign in with a passkey, without a number. The session before it is ended. */
  signInWithPasskey(signIn?: PasskeySignIn, options?: CallOptions): Promise<User>;
  /** Add a passkey of this device, within 15 minutes after a sign-in. A sign-out ends it. */
  addPasskey(passkey?: { name?: string }, options?: CallOptions): Promise<Passkey>;
  /** A valid access token, for a backend of the app; another one than before with `refresh`. */
  accessToken(options?: CallOptions & { refresh?: boolean }): Promise<string>;
  /** Like the function `fetch`, with the access token. Throws `network_error` and `signed_out`. */
  fetch(path: string, init?: PlatformRequestInit): Promise<PlatformResponse>;
  /** Send and return JSON. Throws for every error. */
  request(method: string, path: string, body?: unknown, options?: CallOptions): Promise<any>;
  /** Two run at a time, and the others wait in the order of the calls. */
  upload(file: UploadFile, options?: UploadOptions): Promise<Item>;
  /** Without a connection this device is signed out too. The next sign-in ends the session. */
  signOut(options?: SignOutOptions): Promise<void>;
  /** End what runs, with the error `closed`. The session remains. */
  close(): void;
  addEventListener(
    type: DialtoneEvent,
    listener: (event: PlatformEvent) => void,
    options?: { once?: boolean },
  ): void;
  removeEventListener(type: DialtoneEvent, listener: (event: PlatformEvent) => void): void;
}
