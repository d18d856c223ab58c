// What the samples of docs/web.md do: a component of React, and requests to a backend of the app.

import assert from "node:assert/strict";
import { test } from "node:test";
import { act, createElement } from "react";
import { create } from "react-test-renderer";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const session = {
  user_id: "6561a2b0c3d4e5f60718293a",
  username: "Asha Rao",
  access_token: "first",
  refresh_token: "r",
  refresh_at: Date.now() + 60_000,
  session_expires_at: Date.now() + 60_000,
};
const values = new Map([["dialtone.session", JSON.stringify(session)]]);
const localStorage = {
  getItem: (key) => values.get(key) ?? null,
  setItem: (key, value) => values.set(key, value),
  removeItem: (key) => values.delete(key),
};
Object.defineProperty(globalThis, "localStorage", { value: localStorage });
const { dialtone } = await import("./session.js");
const { useSession } = await import("./use_session.js");
const { fetchFromBackend } = await import("./own_backend.js");

test("a backend that rejects a token gets another one", async () => {
  const tokens = [];
  const tokensOfService = { access_token: "second", refresh_token: "r2", expires_in: 900 };
  globalThis.fetch = async (url, { headers }) => {
    if (url.endsWith("/auth/refresh")) {
      return new Response(JSON.stringify({ ...tokensOfService, refresh_expires_in: 9000 }));
    }
    tokens.push([url, new Headers(headers).get("Authorization")]);
    return new Response("", { status: tokens.length === 1 ? 401 : 200 });
  };
  assert.equal((await fetchFromBackend("/orders")).status, 200);
  const url = "https://backend.example.org/orders";
  assert.deepEqual(tokens, [[url, "Bearer first"], [url, "Bearer second"]]);
});

test("a component shows who is signed in, and when that changes", async () => {
  globalThis.fetch = async () => new Response('{"success": true}');
  const errors = [];
  console.error = (...texts) => errors.push(String(texts[0]));
  const Name = () => useSession()?.username ?? "Sign in";
  let root;
  await act(async () => {
    root = create(createElement(Name));
  });
  assert.equal(root.toJSON(), "Asha Rao");
  await act(() => dialtone.signOut());
  assert.equal(root.toJSON(), "Sign in");
  const ofTheModule = errors.filter((text) => !text.includes("react-test-renderer is deprecated"));
  assert.deepEqual(ofTheModule, []);
});
