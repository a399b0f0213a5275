"""Drives the sandbox server with the official Python client, in both protocol eras.

    python python_client.py BINARY

`run` installs the client and starts this. Each scenario has a server process, a home folder and a state folder of its
own, and prints one "ok" or "not ok" line; the exit code is 1 when one failed. The client itself checks the structured
content of every successful result against the tool's output schema.
"""

import asyncio
import os
import re
import sys
import tempfile
import traceback
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    InputRequiredResult,
)

VERSIONS = {"legacy": "2025-11-25", "auto": "2026-07-28"}
READING_TOOLS = [
    "explain_call",
    "list_changes",
    "list_destinations",
    "list_domains",
    "list_numbers",
    "list_vips",
    "onboarding_status",
    "setup_checklist",
]
WRITING_TOOLS = [
    "add_vip",
    "mark_setup_step",
    "onboard_domain",
    "remove_vip",
    "route_number",
    "sync_vips",
    "undo_change",
]
ALL_TOOLS = sorted([*READING_TOOLS, *WRITING_TOOLS])
STEPS = ["create_domain", "dial_translation_rule", "route_by_ani_user", "route_did", "manage_vips"]
BAKERY = "sunrisebakery.12345.service"
DENTIST = "lakesidedental.12345.service"
SECONDS = 60

SCENARIOS = []


def scenario(name: str, modes: tuple[str, ...] = ("legacy", "auto")):
    """Registers a function that is given the mode of the client."""

    def register(function):
        SCENARIOS.extend((name, mode, function) for mode in modes)
        return function

    return register


def expect(condition: object, what: str, seen: object = "") -> None:
    if not condition:
        raise AssertionError(f"{what}; seen: {seen}" if seen != "" else what)


def accept(content: dict[str, Any] | None) -> ElicitResult:
    return ElicitResult(action="accept", content=content)


@dataclass
class Person:
    """Whoever answers the forms, in the same way every time."""

    answer: ElicitResult
    # What the person answers first, one form each.
    before: list[ElicitResult] = field(default_factory=list)
    forms: list[ElicitRequestFormParams] = field(default_factory=list)

    async def __call__(self, _context: object, form: ElicitRequestParams) -> ElicitResult:
        if self.forms and not isinstance(form, ElicitRequestFormParams):
            # After a form in which nothing was typed, the page is offered; it stays open.
            return accept(None)
        expect(isinstance(form, ElicitRequestFormParams), "the server asked by something other than a form", form)
        self.forms.append(form)
        return self.before.pop(0) if self.before else self.answer

    def expect_one_form(self) -> ElicitRequestFormParams:
        return self.expect_forms(1)

    def expect_forms(self, number: int) -> ElicitRequestFormParams:
        """The form asks for one typed value, and offers nothing that could be sent back unread."""
        expect(len(self.forms) == number, f"the person was not asked exactly {number} times", len(self.forms))
        schema = self.forms[0].requested_schema
        expect(list(schema["properties"]) == ["confirm"], "the form asks for other than `confirm`", schema)
        confirm = schema["properties"]["confirm"]
        expect(confirm["type"] == "string" and schema.get("required") == ["confirm"], "`confirm` is no demand", schema)
        expect(not {"default", "enum", "oneOf", "const"} & confirm.keys(), "`confirm` offers an answer", confirm)
        return self.forms[0]


@asynccontextmanager
async def server(mode: str, *arguments: str, person: Person | None = None):
    """A client of a new sandbox server; without a person it declares no forms."""
    with tempfile.TemporaryDirectory() as home, open(os.path.join(home, "stderr"), "w+") as log:
        parameters = StdioServerParameters(
            command=BINARY,
            args=["mcp", "--sandbox", *arguments],
            env={"HOME": home, "SKYSWITCH_STATE_DIR": os.path.join(home, "state"), "SKYSWITCH_APPROVAL_WAIT": "0"},
        )
        try:
            async with Client(
                stdio_client(parameters, errlog=log),
                mode=mode,
                elicitation_callback=person,
                read_timeout_seconds=SECONDS / 2,
            ) as client:
                expect(client.protocol_version == VERSIONS[mode], "another revision came out", client.protocol_version)
                yield client
        except BaseException as error:
            log.seek(0)
            error.add_note(f"standard error of the server:\n{log.read()[-2000:]}")
            raise


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Calls a tool that must not fail and returns its structured content."""
    result = await client.call_tool(tool, arguments)
    expect(not result.is_error, f"`{tool}` failed", result.structured_content or result.content)
    expect(result.content and result.content[0].type == "text" and result.content[0].text, "there is no text form")
    return result.structured_content


async def call_failing(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Calls a tool that must fail as a tool and returns its error."""
    result = await client.call_tool(tool, arguments)
    expect(result.is_error, f"`{tool}` should have failed", result.structured_content)
    error = (result.structured_content or {}).get("error", {})
    expect({"code", "message", "hint", "retryable"} <= error.keys(), "the error is not complete", result)
    return error


async def routes(client: Client, domain: str = DENTIST) -> list[dict[str, str]]:
    return (await call(client, "list_vips", domain=domain, limit=500))["vips"]


async def distinct_routes(client: Client) -> list[dict[str, str]]:
    """Routes of callers with 11 digits that have no other route in the domain."""
    rows = await routes(client)
    endings = [row["ani"][-10:] for row in rows]
    found = [row for row in rows if re.fullmatch(r"1\d{10}", row["ani"]) and endings.count(row["ani"][-10:]) == 1]
    expect(len(found) >= 2, f"{DENTIST} has too few routes to try with", rows)
    return found


async def remove(client: Client, route: dict[str, str], **more: str) -> dict[str, Any]:
    return await call(client, "remove_vip", ani=route["ani"], domain=route["domain"], **more)


async def expect_unchanged(client: Client, route: dict[str, str]) -> None:
    expect(route in await routes(client, route["domain"]), "the route does not stand as it did", route)


async def expect_gone(client: Client, route: dict[str, str]) -> None:
    rows = await routes(client, route["domain"])
    expect(all(row["ani"] != route["ani"] for row in rows), "the route still stands", route)


def added_again(route: dict[str, str]) -> dict[str, str]:
    return {key: route[key] for key in ("ani", "domain", "destination", "application", "dnis") if key in route}


# The tools


@scenario("lists its tools")
async def lists_tools(mode: str) -> None:
    async with server(mode) as client:
        expect("skyswitch" in client.server_info.name, "the server does not tell its name", client.server_info)
        tools = (await client.list_tools()).tools
        expect([tool.name for tool in tools] == ALL_TOOLS, "other tools are listed", [tool.name for tool in tools])
        for tool in tools:
            hints = tool.annotations
            expect(tool.title and tool.description and tool.output_schema, f"`{tool.name}` is not described", tool)
            expect(hints.read_only_hint == (tool.name in READING_TOOLS), f"wrong read-only hint of `{tool.name}`")
            if tool.name not in READING_TOOLS:
                expect(hints.destructive_hint is True, f"`{tool.name}` is not called destructive")
            expect(hints.idempotent_hint is True and hints.open_world_hint is True, f"missing hint of `{tool.name}`")


@scenario("list_domains")
async def list_domains(mode: str) -> None:
    async with server(mode) as client:
        content = await call(client, "list_domains")
        names = [row["domain"] for row in content["domains"]]
        expect({BAKERY, DENTIST} <= set(names), "customers are missing", names)
        content = await call(client, "list_domains", query="SunriseBakery")
        expect([row["domain"] for row in content["domains"]] == [BAKERY], "the query does not narrow", content)


@scenario("setup_checklist")
async def setup_checklist(mode: str) -> None:
    async with server(mode) as client:
        content = await call(client, "setup_checklist", domain=BAKERY)
        expect([step["id"] for step in content["steps"]] == STEPS, "the steps differ", content)
        done = all(step["state"] == "done" for step in content["steps"][:-1])
        expect(content["ready"] == done, "`ready` does not follow from the steps", content)
        expect(BAKERY in content["support_ticket"]["body"], "the ticket does not name the domain", content)


@scenario("list_vips page by page")
async def list_vips(mode: str) -> None:
    async with server(mode) as client:
        whole = await call(client, "list_vips", limit=500)
        order = [(row["domain"], row["ani"], row.get("dnis", "")) for row in whole["vips"]]
        expect(whole["total"] == whole["count"] == len(order) > 2, "the counts differ", whole)
        expect(order == sorted(order), "the list is in no order", order)
        pages, cursor = [], {}
        while True:
            page = await call(client, "list_vips", limit=2, **cursor)
            expect(1 <= page["count"] == len(page["vips"]) <= 2, "the page is of another size", page)
            pages += page["vips"]
            if "next_cursor" not in page:
                break
            cursor = {"cursor": page["next_cursor"]}
        expect(pages == whole["vips"], "the pages differ from the whole", pages)


@scenario("add_vip creates, and leaves alone what stands")
async def add_vip(mode: str) -> None:
    async with server(mode) as client:
        caller = {"ani": "(616) 555-0177", "domain": BAKERY, "destination": "101"}
        created = await call(client, "add_vip", **caller)
        expect(created["status"] == "created" and created["vip"]["ani"] == "16165550177", "not created", created)
        expect(created["vip"] in await routes(client, BAKERY), "the new route is not listed", created)
        again = await call(client, "add_vip", **caller)
        expect(again["status"] == "unchanged", "the same route was sent again", again)


@scenario("remove_vip of nothing is no error")
async def remove_nothing(mode: str) -> None:
    async with server(mode) as client:
        content = await call(client, "remove_vip", ani="6165550199", domain=BAKERY)
        expect(content["status"] == "not_found", "something was found", content)


@scenario("explain_call names the rule that decides")
async def explain_call(mode: str) -> None:
    async with server(mode) as client:
        route = (await distinct_routes(client))[0]
        explained = await call(client, "explain_call", ani=route["ani"], domain=DENTIST)
        expect(explained["decided_by"] == "caller_rule", "another rule decides", explained)
        expect(explained["destination"]["destination"] == route["destination"] and explained["unknown"], "incomplete", explained)
        nobody = await call(client, "explain_call", ani="6165550199", domain=DENTIST)
        expect(nobody["decided_by"] == "fallback" and "rule" not in nobody, "a rule decides", nobody)


@scenario("a change is listed, undone, and done again")
async def undo_change(mode: str) -> None:
    person = Person(answer=accept(None))
    async with server(mode, person=person) as client:
        route = (await distinct_routes(client))[0]
        person.answer = accept({"confirm": route["ani"]})
        removed = await remove(client, route)
        listed = await call(client, "list_changes", domain=DENTIST)
        change = listed["changes"][0]
        expect(change["change_id"] == removed["change_id"] and change["status"] == "done", "not listed", listed)
        before = f"{route['application']} {route['destination'].split(':', 1)[-1]}"
        expect(change["before"] == before and "tool remove_vip" in change["asked_by"], "incomplete", change)
        for expected in (route, None):
            undone = await call(client, "undo_change", change_id=change["change_id"])
            expect(undone["status"] == "restored" and undone.get("vip") == expected, "not restored", undone)
            change = undone
        await expect_gone(client, route)
        expect(len(person.forms) == 3, "the person was not asked each time", len(person.forms))


@scenario("a list is planned, agreed to by its number of changes, and applied with progress")
async def sync_vips(mode: str) -> None:
    person = Person(answer=accept({"confirm": "40"}))
    told = []

    async def follow(progress: float, total: float | None, _message: str | None) -> None:
        told.append((progress, total))

    wanted = "ani,destination\n" + "".join(f"61655503{number:02},101\n" for number in range(40))
    async with server(mode, person=person) as client:
        plan = await call(client, "sync_vips", domain=BAKERY, list=wanted, dry_run=True)
        expect(plan["status"] == "planned" and plan["plan"]["add"] == 40 and not person.forms, "not planned", plan)
        arguments = {"domain": BAKERY, "list": wanted}
        result = await client.call_tool("sync_vips", arguments, progress_callback=follow)
        content = result.structured_content
        expect(content["status"] == "applied" and content["done"]["made"] == 40, "not applied", content)
        expect("type the number of changes: 40" in person.expect_one_form().message, "asked otherwise", person.forms)
        expect(told and told[-1] == (40, 40) and told == sorted(told), "the progress is wrong", told)
        again = await call(client, "sync_vips", **arguments)
        expect(again["status"] == "unchanged" and again["plan"]["keep"] == 40, "not kept", again)
        bad = await call(client, "sync_vips", domain=BAKERY, list=wanted + "1.61656E+10,101\n")
        expect(bad["status"] == "invalid" and bad["rows"][0]["line"] == 42, "the bad row is not named", bad)


# Forms


async def remove_with_form(mode: str, answer_for, forms: int = 1) -> tuple[str, bool]:
    """Tries to remove a route; tells the status, and whether the route still stands as it did."""
    person = Person(answer=accept(None))
    async with server(mode, person=person) as client:
        route = (await distinct_routes(client))[0]
        person.answer = answer_for(route)
        status = (await remove(client, route))["status"]
        form = person.expect_forms(forms)
        expect(DENTIST in form.message and route["destination"] in form.message, "the form tells too little", form)
        return status, route in await routes(client)


@scenario("removes when the number is typed")
async def typed_number(mode: str) -> None:
    outcome = await remove_with_form(mode, lambda route: accept({"confirm": route["ani"]}))
    expect(outcome == ("removed", False), "not removed", outcome)


@scenario("removes when the number is typed in another writing")
async def typed_in_another_writing(mode: str) -> None:
    def written(route: dict[str, str]) -> ElicitResult:
        digits = route["ani"]
        return accept({"confirm": f"({digits[1:4]}) {digits[4:7]}-{digits[7:]}"})

    outcome = await remove_with_form(mode, written)
    expect(outcome == ("removed", False), "not removed", outcome)


REFUSALS = {
    "accept without content": accept(None),
    "accept with empty content": accept({}),
    "accept with an empty text": accept({"confirm": ""}),
    "accept with `yes`": accept({"confirm": "yes"}),
    "accept with another number": accept({"confirm": "16165550100"}),
    "accept with another field": accept({"answer": "yes"}),
    "decline": ElicitResult(action="decline"),
    "cancel": ElicitResult(action="cancel"),
}


def refuses(answer: ElicitResult):
    """A wrong value is asked for again, three times in all; a no is a no; where nothing was typed, nobody was asked."""
    status, forms = {"cancel": ("no_answer", 1), "decline": ("declined", 1), "accept": ("wrong_value", 3)}[answer.action]
    if answer.action == "accept" and "confirm" not in (answer.content or {}):
        status, forms = "confirmation_required", 1

    async def removes_nothing(mode: str) -> None:
        outcome = await remove_with_form(mode, lambda _route: answer, forms)
        expect(outcome == (status, True), f"not {status}, or the route is not as it was", outcome)

    return removes_nothing


for title, refusal in REFUSALS.items():
    scenario(f"removes nothing on {title}")(refuses(refusal))


@scenario("removes nothing on accept with true")
async def accept_with_true(mode: str) -> None:
    """The client may refuse such content itself; what counts is that the route stands."""
    person = Person(answer=accept({"confirm": True}))
    async with server(mode, person=person) as client:
        route = (await distinct_routes(client))[0]
        try:
            status = (await remove(client, route))["status"]
        except MCPError:
            status = "confirmation_required"
        expect(status == "confirmation_required", "taken for consent", status)
        await expect_unchanged(client, route)


@scenario("removes nothing on decline with the right number")
async def decline_with_number(mode: str) -> None:
    outcome = await remove_with_form(
        mode, lambda route: ElicitResult(action="decline", content={"confirm": route["ani"]})
    )
    expect(outcome == ("declined", True), "not declined, or the route is not as it was", outcome)


@scenario("replaces a route only when the number is typed")
async def replaces(mode: str) -> None:
    person = Person(answer=ElicitResult(action="cancel"))
    async with server(mode, person=person) as client:
        route = (await distinct_routes(client))[0]
        other = {**added_again(route), "destination": "199", "application": "user"}
        closed = await call(client, "add_vip", **other)
        expect(closed["status"] == "no_answer", "not left alone", closed)
        await expect_unchanged(client, route)
        person.expect_one_form()
        person.before = [accept({"confirm": " "}), accept({"confirm": "16165550100"})]
        person.answer = accept({"confirm": route["ani"]})
        replaced = await call(client, "add_vip", **other)
        expect(replaced["status"] == "replaced" and replaced["previous"] == route, "not replaced", replaced)
        expect(replaced["vip"] in await routes(client), "the new route is not listed", replaced)


async def ask_for_form(client: Client, route: dict[str, str]) -> InputRequiredResult:
    """The first half of a removal on the newer revision."""
    arguments = {"ani": route["ani"], "domain": route["domain"]}
    asked = await client.session.call_tool("remove_vip", arguments, allow_input_required=True)
    expect(isinstance(asked, InputRequiredResult), "the server did not ask", asked)
    expect(asked.input_requests and asked.request_state, "a form or its state is missing", asked)
    return asked


async def answer_form(
    client: Client, route: dict[str, str], asked: InputRequiredResult, state: str | None = None
) -> str:
    """The second half, with the right number typed: the status or error code that comes out."""
    try:
        result = await client.session.call_tool(
            "remove_vip",
            {"ani": route["ani"], "domain": route["domain"]},
            input_responses={key: accept({"confirm": route["ani"]}) for key in asked.input_requests},
            request_state=state or asked.request_state,
            allow_input_required=True,
        )
    except MCPError as error:
        return error.message
    if not isinstance(result, CallToolResult):
        return "asked again"
    return result.structured_content["error"]["code"] if result.is_error else result.structured_content["status"]


@scenario("removes nothing with the form of another route", modes=("auto",))
async def form_of_another_route(mode: str) -> None:
    async with server(mode, person=Person(accept(None))) as client:
        route, other = (await distinct_routes(client))[:2]
        asked = await ask_for_form(client, route)
        outcome = await answer_form(client, other, asked)
        expect(outcome != "removed", "removed", outcome)
        await expect_unchanged(client, other)
        await expect_unchanged(client, route)


@scenario("removes nothing with a form whose state was altered", modes=("auto",))
async def altered_form(mode: str) -> None:
    async with server(mode, person=Person(accept(None))) as client:
        route = (await distinct_routes(client))[0]
        asked = await ask_for_form(client, route)
        middle = len(asked.request_state) // 2
        swapped = "A" if asked.request_state[middle] != "A" else "B"
        altered = asked.request_state[:middle] + swapped + asked.request_state[middle + 1 :]
        outcome = await answer_form(client, route, asked, state=altered)
        expect(outcome != "removed", "removed", outcome)
        await expect_unchanged(client, route)


@scenario("a form acts once", modes=("auto",))
async def form_used_twice(mode: str) -> None:
    async with server(mode, person=Person(accept(None))) as client:
        route = (await distinct_routes(client))[0]
        asked = await ask_for_form(client, route)
        outcome = await answer_form(client, route, asked)
        expect(outcome == "removed", "not removed", outcome)
        added = await call(client, "add_vip", **added_again(route))
        expect(added["status"] == "created", "not added again", added)
        outcome = await answer_form(client, route, asked)
        expect(outcome != "removed", "removed a second time", outcome)
        await expect_unchanged(client, route)


# Clients without forms


@scenario("without forms, a removal waits for a person at a terminal")
async def approval_code(mode: str) -> None:
    async with server(mode) as client:
        route = (await distinct_routes(client))[0]
        for _ in range(2):
            content = await remove(client, route)
            expect(content["status"] == "confirmation_required", "not held back", content)
            expect(content["approval_code"] and content["preview"] and content["expires_at"], "incomplete", content)
            expect("confirmation" not in content, "the model is given the means to confirm", content)
            expect(content["approval_link"].startswith("http://127.0.0.1:"), "no page is offered", content)
            await expect_unchanged(client, route)
        result = await client.call_tool(
            "remove_vip",
            {"ani": route["ani"], "domain": route["domain"], "confirmation": content["approval_code"]},
        )
        expect((result.structured_content or {}).get("status") != "removed", "the approval code acted", result)
        await expect_unchanged(client, route)


@scenario("without forms, a replacement waits for a person at a terminal")
async def replacement_waits(mode: str) -> None:
    async with server(mode) as client:
        route = (await distinct_routes(client))[0]
        content = await call(client, "add_vip", **{**added_again(route), "destination": "199", "application": "user"})
        expect(content["status"] == "confirmation_required" and content["approval_code"], "not held back", content)
        await expect_unchanged(client, route)


@scenario("--confirm token: a confirmation acts once")
async def token_acts_once(mode: str) -> None:
    async with server(mode, "--confirm", "token") as client:
        route = (await distinct_routes(client))[0]
        held = await remove(client, route)
        expect(held["status"] == "confirmation_required" and held["confirmation"], "not held back", held)
        expect("approval_code" not in held, "an approval code is given beside the confirmation", held)
        await expect_unchanged(client, route)
        removed = await remove(client, route, confirmation=held["confirmation"])
        expect(removed["status"] == "removed", "not removed", removed)
        await expect_gone(client, route)

        added = await call(client, "add_vip", **added_again(route))
        expect(added["status"] == "created", "not added again", added)
        replay = {"ani": route["ani"], "domain": route["domain"], "confirmation": held["confirmation"]}
        error = await call_failing(client, "remove_vip", **replay)
        expect(error["code"] == "confirmation_invalid", "another error", error)
        await expect_unchanged(client, route)


@scenario("--confirm token: a confirmation is for one route")
async def token_is_bound(mode: str) -> None:
    async with server(mode, "--confirm", "token") as client:
        route, other = (await distinct_routes(client))[:2]
        held = await remove(client, route)
        taken = {"ani": other["ani"], "domain": other["domain"], "confirmation": held["confirmation"]}
        error = await call_failing(client, "remove_vip", **taken)
        expect(error["code"] == "confirmation_invalid", "another error", error)
        await expect_unchanged(client, other)
        await expect_unchanged(client, route)


@scenario("--confirm token: a client with forms is asked all the same")
async def token_with_forms(mode: str) -> None:
    person = Person(answer=ElicitResult(action="decline"))
    async with server(mode, "--confirm", "token", person=person) as client:
        route = (await distinct_routes(client))[0]
        content = await remove(client, route)
        expect(content["status"] == "declined", "not declined", content)
        person.expect_one_form()
        await expect_unchanged(client, route)


@scenario("--confirm block: nothing destructive is done")
async def blocked(mode: str) -> None:
    person = Person(answer=accept(None))
    async with server(mode, "--confirm", "block", person=person) as client:
        route = (await distinct_routes(client))[0]
        person.answer = accept({"confirm": route["ani"]})
        error = await call_failing(client, "remove_vip", ani=route["ani"], domain=DENTIST)
        expect(error["code"] == "blocked", "another error", error)
        other = {**added_again(route), "destination": "199", "application": "user"}
        error = await call_failing(client, "add_vip", **other)
        expect(error["code"] == "blocked", "another error", error)
        expect(not person.forms, "the person was asked", person.forms)
        await expect_unchanged(client, route)
        created = await call(client, "add_vip", ani="6165550177", domain=BAKERY, destination="101")
        expect(created["status"] == "created", "what destroys nothing was held back", created)


@scenario("--read-only: no tool that writes is listed or works")
async def read_only(mode: str) -> None:
    async with server(mode, "--read-only") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        expect(names == READING_TOOLS, "other tools are listed", names)
        error = await call_failing(client, "add_vip", ani="6165550177", domain=BAKERY, destination="101")
        expect(error["code"] == "read_only", "another error", error)
        expect(all(row["ani"] != "16165550177" for row in await routes(client, BAKERY)), "the route was added")


def reason(error: BaseException) -> list[str]:
    """What failed, where in this file, and what the server said on its standard error."""
    notes = list(getattr(error, "__notes__", []))
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
        notes += getattr(error, "__notes__", [])
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == __file__]
    places = [f"line {frame.lineno}: {frame.line}" for frame in frames]
    return "\n".join([f"{type(error).__name__}: {error}", *places, *notes]).splitlines()


async def main() -> int:
    failures = 0
    for name, mode, function in SCENARIOS:
        title = f"python {mode}: {name}"
        try:
            await asyncio.wait_for(function(mode), SECONDS)
            print(f"ok - {title}", flush=True)
        except Exception as error:
            failures += 1
            print(f"not ok - {title}")
            print("\n".join(f"#   {line}" for line in reason(error)), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv[1])
    sys.exit(asyncio.run(main()))
