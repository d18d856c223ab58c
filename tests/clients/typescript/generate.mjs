// Write types of the description: `node generate.mjs openapi.json description.d.ts`.

import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";
import ts from "typescript";

const TYPES = {
  binary: ts.factory.createTypeReferenceNode("Blob"),
  "date-time": ts.factory.createTypeReferenceNode("IsoTime"),
};

const [description, target] = process.argv.slice(2);
const types = await openapiTS(pathToFileURL(description), {
  inject: "export type IsoTime = `${string}T${string}Z`;\n",
  transform: (schema) => TYPES[schema.format],
});
await writeFile(target, astToString(types));
