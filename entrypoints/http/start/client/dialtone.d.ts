/** The types of dialtone.js. */

export interface DialtoneOptions {
  /** The URL of the service, such as `location.origin`. */
  url: string;
  /** Where the session is kept; `localStorage` by default. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** The beginning of all keys in the storage; `dialtone` by default. */
  prefix?: string;
  /** Solves one of the challenges of a 403 `attestation_required`; null if it can solve none. */
  attest?: (challenges: Challenge[]) => Promise<Proof | null>;
}

export type Challenge = { type: string } & Record<string, any>;

export interface Proof {
  type: string;
  response: string;
}

export interface OtpRequest {
  /** With `+` and the country code, or as people of the default region write it. */
  phone: string;
  channel?: "sms" | "voice";
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
}

export interface OtpVerification {
  otp: string;
  /** A name for the list of sessions. */
  device?: string;
}

export interface User {
  user_id: string;
  /** Null before `POST /users`: ask for a name. */
  username: string | null;
}

export interface Session extends User {
  /** When the session ends if it is not used. */
  expires_at: Date;
}

export interface UploadOptions {
  /** A label of your app. */
  category?: string | null;
  /** Gets the bytes of the request that were sent, from 0 again if it is repeated. */
  onProgress?: (sent: number, total: number) => void;
  /** Gets the error after which the upload will be repeated, such as a lost connection. */
  onRepeat?: (error: DialtoneError) => void;
  /** Keep it if the app repeats the upload, also after a reload; random by default. */
  idempotencyKey?: string;
  signal?: AbortSignal;
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
  /** The `X-Request-Id` of the response. */
  request_id?: string;
  field_errors: { field: string; code: string; message: string }[];
  /** Of `invalid_otp`. */
  attempts_left?: number;
  /** Other fields of the response. */
  [field: string]: unknown;
}

export class Dialtone extends EventTarget {
  constructor(options: DialtoneOptions);
  /** Who is signed in, or null. */
  get session(): Session | null;
  /** The phone that a code was requested for, until it expires; null if there is none. */
  get requested(): { phone: string; expires_at: Date } | null;
  requestOtp(request: OtpRequest): Promise<OtpRequested>;
  verifyOtp(verification: OtpVerification): Promise<User>;
  /** Like the function `fetch`, with the access token. Throws `network_error` and `signed_out`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Send and return JSON. Throws for every error. */
  request(method: string, path: string, body?: unknown): Promise<any>;
  upload(file: Blob, options?: UploadOptions): Promise<Item>;
  signOut(options?: { scope?: "this" | "others" | "all" }): Promise<void>;
  addEventListener(
    type: "sessionchange",
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}
