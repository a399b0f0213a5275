// Validates a server.json against the registry's schema, which lies beside this file.
//
//   NODE_MODULES=FOLDER node packaging/registry/validate.mjs server.json

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const modules = process.env.NODE_MODULES ?? new URL("../node_modules", import.meta.url).pathname;
const require = createRequire(resolve(modules, "package.json"));
const Ajv = require("ajv").default;
const addFormats = require("ajv-formats").default;

const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
const validate = ajv.compile(read(new URL("server.schema.json", import.meta.url)));
if (!validate(read(process.argv[2]))) {
  console.error(ajv.errorsText(validate.errors, { separator: "\n" }));
  process.exit(1);
}
