// Prints server.json for a release: the repository's names, the version, and one package for each bundle with its hash.
//
//   node packaging/registry/fill.mjs OWNER/NAME VERSION BUNDLE.mcpb... >server.json

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const [repository, version, ...bundles] = process.argv.slice(2);
const server = JSON.parse(readFileSync(new URL("server.json", import.meta.url), "utf8"));
const [owner, name] = repository.split("/");
const template = server.packages[0];

server.name = `io.github.${owner}/${name}`;
server.version = version;
server.repository.url = `https://github.com/${repository}`;
server.packages = bundles.map((bundle) => ({
  ...template,
  identifier: `https://github.com/${repository}/releases/download/v${version}/${basename(bundle)}`,
  version,
  fileSha256: createHash("sha256").update(readFileSync(bundle)).digest("hex"),
}));
console.log(JSON.stringify(server, null, 2));
