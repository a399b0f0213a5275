// Drives the sandbox server with the official TypeScript client, in both protocol eras.
//
//   node typescript_client.mjs BINARY FOLDER_OF_NODE_MODULES
//
// `run` installs the client and starts this. Each scenario has a server process, a home folder and a state folder of its
// own, and prints one "ok" or "not ok" line; the exit code is 1 when one failed. The client itself checks the structured
// content of every successful result against the tool's output schema; what is counted here is that it did.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const binary = resolve(process.argv[2]);
const installed = createRequire(join(resolve(process.argv[3]), "package.json"));
const { Client } = installed("@modelcontextprotocol/client");
const { StdioClientTransport } = installed("@modelcontextprotocol/client/stdio");
const { AjvJsonSchemaValidator } = installed("@modelcontextprotocol/client/validators/ajv");

const VERSIONS = { legacy: "2025-11-25", auto: "2026-07-28" };
const BAKERY = "sunrisebakery.12345.service";
const DENTIST = "lakesidedental.12345.service";
const ALL_TOOLS = [
  "add_vip",
  "explain_call",
  "list_changes",
  "list_destinations",
  "list_domains",
  "list_numbers",
  "list_vips",
  "mark_setup_step",
  "onboard_domain",
  "onboarding_status",
  "remove_vip",
  "route_number",
  "setup_checklist",
  "sync_vips",
  "undo_change",
];
const SECONDS = 60;

const scenarios = [];

/** Registers a function that is given the mode of the client. */
function scenario(name, run) {
  for (const mode of Object.keys(VERSIONS)) scenarios.push({ title: `typescript ${mode}: ${name}`, mode, run });
}

/** The validator that the client has anyway; says how often it found content right. */
class CountingValidator extends AjvJsonSchemaValidator {
  found = 0;

  getValidator(schema) {
    const validate = super.getValidator(schema);
    return (content) => {
      const result = validate(content);
      this.found += result.valid ? 1 : 0;
      return result;
    };
  }
}

/** A client of a new sandbox server, which `use` is given; `person` answers what is asked, and without one no forms are declared. */
async function server({ mode, person, links = false, wait = 0 }, use) {
  const home = mkdtempSync(join(tmpdir(), "skyswitch-"));
  const transport = new StdioClientTransport({
    command: binary,
    args: ["mcp", "--sandbox"],
    env: { HOME: home, SKYSWITCH_STATE_DIR: join(home, "state"), SKYSWITCH_APPROVAL_WAIT: String(wait) },
    stderr: "pipe",
  });
  let log = "";
  transport.stderr.on("data", (chunk) => (log += chunk));
  const validator = new CountingValidator();
  const client = new Client(
    { name: "typescript-client-checks", version: "1" },
    {
      capabilities: person ? { elicitation: links ? { url: {} } : { form: {} } } : {},
      versionNegotiation: { mode },
      jsonSchemaValidator: validator,
    },
  );
  if (person) client.setRequestHandler("elicitation/create", ({ params }) => person.ask(params));
  try {
    await client.connect(transport);
    assert.equal(client.getNegotiatedProtocolVersion(), VERSIONS[mode]);
    // The client checks results of the tools that it has listed.
    const { tools } = await client.listTools();
    await use(new Caller(client, validator, tools));
  } catch (error) {
    error.stack += `\nstandard error of the server:\n${log.slice(-2000)}`;
    throw error;
  } finally {
    await client.close();
    rmSync(home, { recursive: true, force: true });
  }
}

class Caller {
  constructor(client, validator, tools) {
    Object.assign(this, { client, validator, tools });
  }

  /** Calls a tool that must not fail, and returns its structured content. */
  async call(name, args, options) {
    const before = this.validator.found;
    const result = await this.client.callTool({ name, arguments: args }, { timeout: (SECONDS * 1000) / 2, ...options });
    assert.ok(!result.isError, `\`${name}\` failed: ${JSON.stringify(result.structuredContent)}`);
    assert.ok(this.validator.found > before, `what \`${name}\` gave was not checked against its schema`);
    assert.ok(result.content[0].type === "text" && result.content[0].text, "there is no text form");
    return result.structuredContent;
  }

  async rules(domain = DENTIST) {
    return (await this.call("list_vips", { domain, limit: 500 })).vips;
  }

  /** A rule of a caller with 11 digits who has no other one in the domain. */
  async rule() {
    const rules = await this.rules();
    const same = (a, b) => a.ani.slice(-10) === b.ani.slice(-10);
    const found = rules.find((rule) => /^1\d{10}$/.test(rule.ani) && rules.filter((other) => same(rule, other)).length === 1);
    assert.ok(found, `${DENTIST} has no rule to try with`);
    return found;
  }

  async remove({ ani, domain }, options) {
    return await this.call("remove_vip", { ani, domain }, options);
  }

  async expectUnchanged(rule) {
    const found = (await this.rules(rule.domain)).filter((other) => other.ani === rule.ani);
    assert.deepEqual(found, [rule], "the rule is not as it was");
  }

  async expectGone(rule) {
    assert.ok((await this.rules(rule.domain)).every((other) => other.ani !== rule.ani), "the rule is still there");
  }
}

/** Whoever is asked: keeps what was asked, and answers in the same way every time. */
class Person {
  asked = [];

  constructor(answer) {
    this.answer = answer;
  }

  async ask(question) {
    this.asked.push(question);
    return await this.answer(question);
  }

  /** The form asks for one typed value, and offers nothing that could be sent back unread. */
  expectOneForm() {
    assert.equal(this.asked.length, 1, "the person was not asked exactly once");
    const [{ mode, message, requestedSchema }] = this.asked;
    assert.ok(mode === undefined || mode === "form", `asked by other than a form: ${mode}`);
    assert.deepEqual(Object.keys(requestedSchema.properties), ["confirm"]);
    assert.deepEqual(requestedSchema.required, ["confirm"]);
    const { confirm } = requestedSchema.properties;
    assert.equal(confirm.type, "string");
    assert.ok(!["default", "enum", "oneOf", "const"].some((key) => key in confirm), "`confirm` offers an answer");
    return message;
  }
}

const types = (confirm) => () => ({ action: "accept", content: { confirm } });

scenario("initializes and lists its tools", async (mode) => {
  await server({ mode }, async ({ client, tools }) => {
    assert.ok(client.getServerVersion().name.includes("skyswitch"));
    assert.ok(client.getInstructions(), "there are no instructions");
    assert.deepEqual(tools.map((tool) => tool.name), ALL_TOOLS);
    assert.ok(tools.every((tool) => tool.title && tool.description && tool.inputSchema && tool.outputSchema));
  });
});

scenario("pages through list_vips", async (mode) => {
  await server({ mode }, async (caller) => {
    const all = await caller.rules();
    let found = [];
    for (let cursor; found.length === 0 || cursor; ) {
      const page = await caller.call("list_vips", { domain: DENTIST, limit: 2, ...(cursor && { cursor }) });
      assert.equal(page.total, all.length);
      found = [...found, ...page.vips];
      cursor = page.next_cursor;
    }
    assert.deepEqual(found, all);
  });
});

scenario("add_vip adds once, and says so the second time", async (mode) => {
  await server({ mode }, async (caller) => {
    const wanted = { ani: "(616) 555-0177", domain: BAKERY, destination: "101" };
    const added = await caller.call("add_vip", wanted);
    assert.equal(added.status, "created");
    assert.equal(added.vip.ani, "16165550177");
    assert.equal((await caller.call("add_vip", wanted)).status, "unchanged");
    await caller.expectUnchanged(added.vip);
  });
});

scenario("replaces a rule when the number is typed", async (mode) => {
  const person = new Person(() => types(rule.ani)());
  let rule;
  await server({ mode, person }, async (caller) => {
    rule = await caller.rule();
    const wanted = { ani: rule.ani, domain: rule.domain, destination: "199", application: "user" };
    const replaced = await caller.call("add_vip", wanted);
    assert.equal(replaced.status, "replaced");
    assert.deepEqual(replaced.previous, rule);
    person.expectOneForm();
    await caller.expectUnchanged(replaced.vip);
  });
});

scenario("removes when the number is typed", async (mode) => {
  const person = new Person(() => types(rule.ani)());
  let rule;
  await server({ mode, person }, async (caller) => {
    rule = await caller.rule();
    assert.equal((await caller.remove(rule)).status, "removed");
    const message = person.expectOneForm();
    assert.ok(message.includes(DENTIST) && message.includes(rule.destination), `the form tells too little: ${message}`);
    await caller.expectGone(rule);
  });
});

for (const [action, status] of [["decline", "declined"], ["cancel", "no_answer"]]) {
  scenario(`removes nothing on ${action}`, async (mode) => {
    const person = new Person(() => ({ action }));
    await server({ mode, person }, async (caller) => {
      const rule = await caller.rule();
      assert.equal((await caller.remove(rule)).status, status);
      person.expectOneForm();
      await caller.expectUnchanged(rule);
    });
  });
}

scenario("removes nothing when the wrong number is typed", async (mode) => {
  const person = new Person(types("16165550100"));
  await server({ mode, person }, async (caller) => {
    const rule = await caller.rule();
    assert.equal((await caller.remove(rule)).status, "wrong_value");
    assert.equal(person.asked.length, 3, "a slip is asked for again, three times in all");
    await caller.expectUnchanged(rule);
  });
});

scenario("removes nothing when the call is cancelled while the form is open", async (mode) => {
  const cancelled = new AbortController();
  const person = new Person(() => {
    cancelled.abort("the person closed the chat");
    return types(rule.ani)();
  });
  let rule;
  await server({ mode, person }, async (caller) => {
    rule = await caller.rule();
    await assert.rejects(caller.remove(rule, { signal: cancelled.signal }));
    assert.equal(person.asked.length, 1);
    await caller.expectUnchanged(rule);
  });
});

const list = "ani,destination\n" + Array.from({ length: 40 }, (_, n) => `${6165550300 + n},101\n`).join("");

scenario("applies a list with progress", async (mode) => {
  const person = new Person(types("40"));
  const told = [];
  await server({ mode, person }, async (caller) => {
    // Without a total, the client tells of the round of questions it is in.
    const onprogress = ({ progress, total }) => total && told.push([progress, total]);
    const applied = await caller.call("sync_vips", { domain: BAKERY, list }, { onprogress });
    assert.equal(applied.status, "applied");
    assert.equal(applied.done.made, 40);
    person.expectOneForm();
    assert.deepEqual(told.at(-1), [40, 40]);
    assert.deepEqual(told, told.toSorted(([a], [b]) => a - b), "the progress goes back");
  });
});

scenario("a list whose call is cancelled on its way is completed by the next call", async (mode) => {
  const cancelled = new AbortController();
  const person = new Person(({ message }) => types(/number of changes: (\d+)/.exec(message)[1])());
  await server({ mode, person }, async (caller) => {
    const onprogress = ({ total }) => total && cancelled.abort("enough");
    const options = { onprogress, signal: cancelled.signal };
    await assert.rejects(caller.call("sync_vips", { domain: BAKERY, list }, options));
    const completed = await caller.call("sync_vips", { domain: BAKERY, list });
    const { made = 0 } = completed.done ?? {};
    assert.equal(made + completed.plan.keep, 40, JSON.stringify(completed));
    assert.equal((await caller.call("sync_vips", { domain: BAKERY, list })).status, "unchanged");
  });
});

scenario("is sent a link where it shows links, and removes what is approved there", async (mode) => {
  let rule;
  const person = new Person(async ({ url }) => {
    // As a browser sends the form of that page.
    const headers = { origin: new URL(url).origin, "sec-fetch-site": "same-origin" };
    const body = new URLSearchParams({ confirm: rule.ani, decision: "approve" });
    const answer = await fetch(url, { method: "POST", headers, body });
    assert.ok(answer.ok, `the page answered ${answer.status}`);
    return { action: "accept" };
  });
  await server({ mode, person, links: true, wait: 30 }, async (caller) => {
    rule = await caller.rule();
    assert.equal((await caller.remove(rule)).status, "removed");
    assert.equal(person.asked[0].mode, "url");
    await caller.expectGone(rule);
  });
});

scenario("without forms, a removal waits for a person", async (mode) => {
  await server({ mode }, async (caller) => {
    const rule = await caller.rule();
    const held = await caller.remove(rule);
    assert.equal(held.status, "confirmation_required");
    assert.ok(held.approval_code && held.approval_link && held.preview && !held.confirmation, JSON.stringify(held));
    await caller.expectUnchanged(rule);
  });
});

scenario("a call that fails says what to do next", async (mode) => {
  await server({ mode }, async ({ client }) => {
    const failed = await client.callTool({ name: "add_vip", arguments: { ani: "no number", domain: BAKERY, destination: "101" } });
    assert.ok(failed.isError);
    const { code, message, hint, field } = failed.structuredContent.error;
    assert.ok(code === "invalid_argument" && field === "ani" && message && hint, JSON.stringify(failed));
  });
});

function tooLate() {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`it took more than ${SECONDS} s`)), SECONDS * 1000).unref();
  });
}

let failures = 0;
for (const { title, mode, run } of scenarios) {
  try {
    await Promise.race([run(mode), tooLate()]);
    console.log(`ok - ${title}`);
  } catch (error) {
    failures += 1;
    console.log(`not ok - ${title}`);
    console.log(String(error.stack ?? error).replace(/^/gm, "#   "));
  }
}
process.exit(failures ? 1 : 0);
