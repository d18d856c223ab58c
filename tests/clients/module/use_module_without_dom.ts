// What an app does whose compiler knows no browser, such as one of React Native or Node.js.

import { Dialtone, DialtoneError, type Item } from "./dialtone.js";

interface AsyncStorage {
  getItem(key: string): Promise<string | null>;
  setItem(key: string, value: string): Promise<void>;
  removeItem(key: string): Promise<void>;
}

export async function useModule(storage: AsyncStorage): Promise<Item | null> {
  const dialtone = new Dialtone({ url: "https://api.example.org", storage });
  await dialtone.ready;
  const show = ({ type }: { type: string }): string => `${type} ${dialtone.session?.user_id}`;
  dialtone.addEventListener("sessionchange", show, { once: true });
  dialtone.removeEventListener("sessionchange", show);
  const response = await dialtone.fetch("/users/me", { method: "HEAD" });
  const status: number = response.status;
  const photo = { uri: "file:///photo.jpg", name: "photo.jpg", type: "image/jpeg" };
  try {
    return status === 200 ? await dialtone.upload(photo, { onProgress: () => undefined }) : null;
  } catch (error) {
    if (error instanceof DialtoneError && error.code === "aborted") return null;
    // @ts-expect-error A text is no file.
    return await dialtone.upload("photo.jpg");
  } finally {
    dialtone.close();
  }
}
