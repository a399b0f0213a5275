"""Sets up a customer from nothing to ready: in one conversation with the official Python client, and from the command
line at a real terminal.

    python onboarding.py BINARY

The service is a sandbox process whose dial plans are closed, so that the dial translation rule has to be attested by a
person. Prints one "ok" or "not ok" line for each scenario, as `python_client.py` does.
"""

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import python_client
from mcp import Client, StdioServerParameters, stdio_client
from python_client import BAKERY, SECONDS, VERSIONS, Person, accept, call, call_failing, expect, reason

DID = "16165550170"
NOTE = "ticket 48213: SkySwitch confirms the rule, to 100"


@contextmanager
def service():
    """A sandbox process, and the environment that points at it."""
    with tempfile.TemporaryDirectory() as home:
        command = [python_client.BINARY, "--json", "sandbox", "--dial-plan", "closed"]
        sandbox = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"HOME": home})
        try:
            lines = []
            while not lines or lines[-1].rstrip() != "}":
                line = sandbox.stdout.readline()
                expect(line, "the sandbox ended before it said where it is", lines)
                lines.append(line)
            state = os.path.join(home, "state")
            surroundings = {"HOME": home, "SKYSWITCH_STATE_DIR": state, "TERM": "dumb", "SKYSWITCH_APPROVAL_WAIT": "0"}
            yield {**json.loads("".join(lines)), **surroundings}
        finally:
            sandbox.kill()
            sandbox.wait()


@asynccontextmanager
async def conversation(mode: str, environment: dict[str, str], person: Person | None):
    parameters = StdioServerParameters(command=python_client.BINARY, args=["mcp"], env=environment)
    async with Client(
        stdio_client(parameters),
        mode=mode,
        elicitation_callback=person,
        read_timeout_seconds=SECONDS / 2,
    ) as client:
        expect(client.protocol_version == VERSIONS[mode], "another revision came out", client.protocol_version)
        yield client


def states(content: dict[str, Any]) -> dict[str, str]:
    return {step["id"]: step["state"] for step in content["steps"]}


async def from_nothing_to_ready(mode: str) -> None:
    person = Person(answer=accept(None))
    with service() as environment:
        async with conversation(mode, environment, person) as client:
            await the_whole_way(client, person)


async def the_whole_way(client: Client, person: Person) -> None:
    customer = {"domain": BAKERY, "did": DID, "fallback_destination": "100"}

    async def onboard(*typed: str, **more: Any) -> dict[str, Any]:
        person.before = [accept({"confirm": wrong}) for wrong in typed[:-1]]
        person.answer = accept({"confirm": typed[-1]} if typed else None)
        return await call(client, "onboard_domain", **customer, **more)

    async def attest(*answers: dict[str, Any] | None) -> dict[str, Any]:
        person.before = [accept(wrong) for wrong in answers[:-1]]
        person.answer = accept(answers[-1])
        return await call(
            client,
            "mark_setup_step",
            domain=BAKERY,
            step="dial_translation_rule",
            attested_by="the baker",
            note=NOTE,
        )

    prompt = await client.get_prompt("onboard_customer", {"domain": BAKERY, "did": DID})
    expect("route_did" in prompt.messages[0].content.text, "the prompt does not name the steps", prompt)
    overview = await call(client, "onboarding_status")
    row = next(row for row in overview["customers"] if row["domain"] == BAKERY)
    expect(row["stage"] == "not_started" and not row["alarm"], "another stage", row)
    offered = await call(client, "list_destinations", domain=BAKERY)
    expect("100" in [row["destination"] for row in offered["destinations"]], "the counter is not offered", offered)

    planned = await onboard(dry_run=True)
    expect(planned["status"] == "planned" and not person.forms, "planning asked somebody", planned)
    made = await onboard("yes", BAKERY)
    expect(len(person.forms) == 2, "a yes was taken for consent", person.forms)
    expect(made["status"] == "applied", "the user was not made", made)
    expect("route_by_ani_user" not in states(made), "the user is not verified", made)
    expect(made["support_ticket"]["body"], "there is no ticket", made)

    early = await onboard(DID)
    expect(early["status"] == "unchanged", "the number was touched without the rule", early)
    before = len(person.forms)
    attested = await attest({"confirm": "true"}, {"confirm": DID}, {"confirm": BAKERY})
    expect(len(person.forms) == before + 3, "attested by another value", person.forms)
    expect(attested["status"] == "attested" and attested["step"]["state"] == "attested", "not attested", attested)
    expect("the baker" in attested["step"]["evidence"], "nobody is named", attested)

    before = len(person.forms)
    routed = await onboard(BAKERY, "(616) 555-0170")
    expect(len(person.forms) == before + 2, "the domain's name routed the number", person.forms)
    expect(routed["status"] == "applied" and routed["ready"], "the customer is not ready", routed)
    change = routed["changes"][0]["change_id"]

    added = await call(client, "add_vip", ani="6165550177", domain=BAKERY, destination="11O")
    expect("does not exist" in " ".join(added["warnings"]), "a wrong destination was not warned of", added)
    checklist = await call(client, "setup_checklist", domain=BAKERY, did=DID)
    expect(checklist["ready"], "not ready", checklist)
    expect(states(checklist)["dial_translation_rule"] == "attested", "not shown as attested", checklist)
    read = await client.read_resource(f"skyswitch://domains/{BAKERY}/checklist")
    expect(json.loads(read.contents[0].text)["ready"], "the resource says otherwise", read)

    person.answer = accept({"confirm": DID})
    undone = await call(client, "undo_change", change_id=change)
    expect(undone["status"] == "restored" and "(100)" in undone["setting"], "the old route is not back", undone)


async def a_model_alone_gets_nowhere(mode: str) -> None:
    """Without forms, every call of an eager model ends before the number is touched."""
    with service() as environment:
        async with conversation(mode, environment, None) as client:
            mark = {"domain": BAKERY, "step": "dial_translation_rule", "attested_by": "me", "note": "surely done"}
            for _ in range(2):
                marked = await call(client, "mark_setup_step", **mark)
                expect(marked["status"] == "confirmation_required", "attested by a model", marked)
                expect("confirmation" not in marked, "the model is given the means to attest", marked)
            error = await call_failing(client, "mark_setup_step", **mark, confirmation="yes")
            expect(error["code"] == "invalid_argument", "another error", error)
            onboarded = await call(client, "onboard_domain", domain=BAKERY, did=DID)
            expect(onboarded["status"] == "confirmation_required", "made without a person", onboarded)
            checklist = await call(client, "setup_checklist", domain=BAKERY, did=DID)
            expect(states(checklist)["route_did"] == "blocked", "the number is not blocked", checklist)


def at_terminal(environment: dict[str, str], arguments: list[str], typed: str) -> tuple[int, str]:
    """Runs a command at a terminal, types the answer to its one question, and gives exit code and screen."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [python_client.BINARY, *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        start_new_session=True,
    )
    os.close(terminal)
    screen, answered, deadline = b"", False, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        ready, _, _ = select.select([controller], [], [], 0.2)
        if ready:
            try:
                piece = os.read(controller, 4096)
            except OSError:
                break
            if not piece:
                break
            screen += piece
        if not answered and b"to decline" in screen:
            os.write(controller, typed.encode() + b"\r")
            answered = True
        if not ready and process.poll() is not None:
            break
    os.close(controller)
    return process.wait(), screen.decode(errors="replace")


async def from_nothing_to_ready_at_a_terminal(_mode: str) -> None:
    with service() as environment:

        def run(*arguments: str) -> tuple[int, dict[str, Any]]:
            command = [python_client.BINARY, "--json", *arguments]
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS)
            return ran.returncode, json.loads(ran.stdout or ran.stderr.splitlines()[-1])

        code, status = run("status", "--stage", "alarm")
        expect(code == 6 and status["customers"], "customers who may lose calls are not shown", status)
        onboard = ["onboard", "--domain", BAKERY, "--did", DID, "--fallback-destination", "100"]
        code, planned = run(*onboard, "--dry-run")
        expect(code == 0 and planned["status"] == "planned", "not planned", planned)
        code, made = run(*onboard, "--yes")
        expect(code == 0 and made["status"] == "applied", "the user was not made", made)
        code, early = run(*onboard, "--yes")
        expect(early["status"] == "unchanged", "the number was touched without the rule", early)

        mark = ["checklist", "mark", "--domain", BAKERY, "--step", "dial_translation_rule", "--by", "the baker"]
        code, refused = run(*mark, "--note", NOTE)
        expect(code == 3, "attested without a terminal", refused)
        code, screen = at_terminal(environment, [*mark, "--note", NOTE], "no")
        expect(code == 3, "attested by a no", screen)
        code, screen = at_terminal(environment, [*mark, "--note", NOTE], BAKERY)
        expect(code == 0 and "the step is attested" in screen, "not attested", screen)

        code, screen = at_terminal(environment, onboard, "616-555-0170")
        expect(code == 0 and ": ready" in screen, "not ready", screen)
        code, checklist = run("checklist", "--domain", BAKERY, "--did", DID)
        expect(code == 0 and checklist["ready"], "not ready", checklist)
        code, changes = run("changes")
        route = next(change for change in changes["changes"] if change["subject"] == "did_route")
        code, undone = run("undo", route["change_id"], "--yes")
        expect(code == 0 and undone["status"] == "restored", "not undone", undone)


SCENARIOS = [
    ("a customer from nothing to ready in one conversation", "legacy", from_nothing_to_ready),
    ("a customer from nothing to ready in one conversation", "auto", from_nothing_to_ready),
    ("a model alone gets nowhere", "legacy", a_model_alone_gets_nowhere),
    ("a model alone gets nowhere", "auto", a_model_alone_gets_nowhere),
    ("a customer from nothing to ready at a terminal", "command line", from_nothing_to_ready_at_a_terminal),
]


async def main() -> int:
    failures = 0
    for name, mode, function in SCENARIOS:
        title = f"onboarding {mode}: {name}"
        try:
            await asyncio.wait_for(function(mode), 2 * SECONDS)
            print(f"ok - {title}", flush=True)
        except Exception as error:
            failures += 1
            print(f"not ok - {title}")
            print("\n".join(f"#   {line}" for line in reason(error)), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    python_client.BINARY = os.path.abspath(sys.argv[1])
    sys.exit(asyncio.run(main()))
