"""Twelve conversations as a model has them, with what they cost: tool calls, questions to the person, and bytes that the
model reads.

    python conversations.py BINARY

Each begins with what a person says and takes the shortest way that the tools offer. What a model reads is the tool list
once (name, description and input schema of each tool) and, of every result, the larger of its two forms: clients
differ in which they show. A conversation that takes more calls, questions or bytes than it is allowed here fails.
Prints one "ok" or "not ok" line for each, then a table; docs/conversations.md says where the numbers are to go.
"""

import asyncio
import json
import os
import sys
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import python_client
from mcp import Client
from mcp_types import ElicitRequestParams, ElicitResult
from python_client import BAKERY, DENTIST, SECONDS, accept, expect, reason, server

MODE = "legacy"
# What the tool list alone may cost.
MOST_OF_TOOLS = 7_970
DENTAL = "Lakeside Dental"
VET = "Maplewood Vet Clinic"
LEGAL = "Harbor Street Legal"


class Person:
    """Types one value after the other into the forms; a word that is no value declines."""

    def __init__(self) -> None:
        self.will_type: list[str | None] = []
        self.asked = 0
        self.shown = ""

    async def __call__(self, _context: object, form: ElicitRequestParams) -> ElicitResult:
        self.asked += 1
        value = self.will_type.pop(0) if self.will_type else None
        self.shown = form.message
        return ElicitResult(action="decline") if value is None else accept({"confirm": value})


@dataclass
class Talk:
    """A conversation: what it is about, what the person types, and what it costs."""

    client: Client
    person: Person
    calls: int = 0
    questions: int = 0
    bytes: int = 0
    said: list[str] = field(default_factory=list)

    async def call(self, tool: str, *typed: str | None, **arguments: Any) -> dict[str, Any]:
        """One call of the model; the person types the values that the forms ask for."""
        self.person.will_type, asked = list(typed), self.person.asked
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(block.text for block in result.content)
        structured = json.dumps(result.structured_content, separators=(",", ":"), ensure_ascii=False)
        self.calls += 1
        self.questions += len(typed)
        self.bytes += max(len(text.encode()), len(structured.encode()))
        expect(not result.is_error, f"`{tool}` failed", text)
        asked = self.person.asked - asked
        expect(asked == len(typed), f"`{tool}` asked the person {asked} times", (self.person.shown, text))
        return result.structured_content

    async def before(self, tool: str, *typed: str | None, **arguments: Any) -> dict[str, Any]:
        """What was done before the conversation; it does not count."""
        calls, questions, size = self.calls, self.questions, self.bytes
        content = await self.call(tool, *typed, **arguments)
        self.calls, self.questions, self.bytes = calls, questions, size
        return content


@dataclass
class Bound:
    calls: int
    questions: int
    bytes: int


CONVERSATIONS = []


def conversation(title: str, calls: int, questions: int, size: int):
    def register(function):
        CONVERSATIONS.append((title, Bound(calls, questions, size), function))
        return function

    return register


def number(ani: str) -> str:
    return "".join(digit for digit in ani if digit.isdigit())


@conversation("“Put 616-555-0177 through to Maya at Lakeside Dental.”", 1, 0, 207)
async def add_by_name(talk: Talk) -> None:
    added = await talk.call("add_vip", ani="616-555-0177", domain=DENTAL, destination="Maya")
    expect(added["status"] == "created" and added["vip"]["domain"] == DENTIST, "not added", added)
    expect(added["named"] == '"Maya" is Maya Lindgren (101)', "another was taken", added)


@conversation("“Who answers when 616-555-0123 calls the dentist?”", 1, 0, 397)
async def who_rings(talk: Talk) -> None:
    call = await talk.call("explain_call", ani="616-555-0123", domain=DENTAL)
    expect(call["destination"]["name"] == "Maya Lindgren", "another answers", call)


@conversation("“Take all VIPs off Maplewood Vet.”", 1, 1, 427)
async def take_all_off(talk: Talk) -> None:
    cleared = await talk.call("sync_vips", "maplewoodvet.12345.service", domain=VET, mode="clear")
    expect(cleared["status"] == "applied", "not taken off", cleared)
    left = await talk.before("list_vips", domain=VET)
    expect(left["total"] == 0, "some are left", left)


@conversation("“Set Sunrise Bakery up for VIP calls on 616-555-0170.”", 3, 3, 2_470)
async def onboard(talk: Talk) -> None:
    customer = {"domain": "Sunrise Bakery", "did": "616-555-0170", "fallback_destination": "100"}
    first = await talk.call("onboard_domain", BAKERY, **customer)
    expect(first["status"] == "applied", "nothing was made", first)
    note = {"attested_by": "the baker", "note": "ticket 48213"}
    await talk.call("mark_setup_step", BAKERY, domain=BAKERY, step="dial_translation_rule", **note)
    second = await talk.call("onboard_domain", "6165550170", **customer)
    expect(second["ready"], "not ready", second)


@conversation("“Copy the dentist's VIP list to Harbor Street Legal, to 500.”", 2, 1, 1_107)
async def copy_a_list(talk: Talk) -> None:
    listed = await talk.call("list_vips", domain=DENTAL)
    callers = "\n".join(sorted({number(rule["ani"])[-10:] for rule in listed["vips"]}))
    copied = await talk.call("sync_vips", "5", domain=LEGAL, list=f"ani\n{callers}\n", destination="500")
    expect(copied["plan"]["add"] == copied["done"]["made"] == 5, "not copied", copied)


@conversation("“What was changed last week? Put it back.”", 3, 2, 1_097)
async def put_it_back(talk: Talk) -> None:
    for caller in ["616-555-0123", "616-555-0124"]:
        await talk.before("remove_vip", caller, ani=caller, domain=DENTAL)
    changed = await talk.call("list_changes", since="7d")
    expect(changed["count"] == 2, "other changes", changed)
    for change in changed["changes"]:
        undone = await talk.call("undo_change", change["ani"], change_id=change["change_id"])
        expect(undone["status"] == "restored", "not restored", undone)


@conversation("“Is anybody losing calls? Fix it.”", 2, 1, 1_393)
async def losing_calls(talk: Talk) -> None:
    status = await talk.call("onboarding_status", stage="alarm")
    did = status["customers"][0]["dids"][0]
    routed = await talk.call("route_number", did, did=did, to="500")
    expect(routed["status"] == "routed", "the number still leads nowhere", routed)


@conversation("“Maya is away: move her callers to Oscar.”", 1, 1, 399)
async def move_callers(talk: Talk) -> None:
    whose = {"from": "Maya", "destination": "Oscar"}
    moved = await talk.call("sync_vips", "2", domain=DENTAL, mode="move", **whose)
    expect(moved["plan"]["replace"] == moved["done"]["made"] == 2, "not moved", moved)


@conversation("“616-555-0177 is a VIP of the dentist until Christmas.”", 1, 0, 229)
async def until_christmas(talk: Talk) -> None:
    last = f"{date.today().year + 1}-12-25"
    added = await talk.call("add_vip", ani="616-555-0177", domain=DENTAL, destination="Maya", until=last)
    expect(added["status"] == "created" and added["vip"]["until"] == last, "no last day", added)


@conversation("“Make these 300 contacts VIPs of the bakery, for Elena.”", 1, 1, 561)
async def contacts(talk: Talk) -> None:
    areas = [201, 202, 203]
    callers = [f"{area}55501{line:02}" for area in areas for line in range(100)]
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Contact {0}\nTEL;TYPE=CELL:{1}\nEND:VCARD\n"
    cards = "".join(card.format(index, caller) for index, caller in enumerate(callers))
    whose = {"list": cards, "destination": "Elena"}
    applied = await talk.call("sync_vips", str(len(callers)), domain="Sunrise Bakery", **whose)
    expect(applied["done"]["made"] == len(callers), "not all were added", applied["done"])


@conversation("“Take 616-555-0123 off the dentist's list.” (and the person mistypes)", 1, 2, 162)
async def wrong_number_typed(talk: Talk) -> None:
    typed = ["616-555-0124", "616-555-0123"]
    removed = await talk.call("remove_vip", *typed, ani="616-555-0123", domain=DENTAL)
    expect(removed["status"] == "removed", "not removed", removed)


@conversation("“Take 616-555-0123 off the dentist's list.” (and the person declines)", 1, 1, 143)
async def declined(talk: Talk) -> None:
    held = await talk.call("remove_vip", None, ani="616-555-0123", domain=DENTAL)
    expect(held["status"] == "declined", "not declined", held)
    listed = await talk.before("list_vips", domain=DENTAL)
    expect(listed["total"] == 6, "it was taken off", listed)


async def size_of_tool_list(client: Client) -> int:
    tools = (await client.list_tools()).tools
    shown = [{"name": tool.name, "description": tool.description, "input": tool.input_schema} for tool in tools]
    return len(json.dumps(shown, separators=(",", ":"), ensure_ascii=False).encode())


async def held(title: str, bound: Bound, function) -> str:
    person = Person()
    async with server(MODE, person=person) as client:
        talk = Talk(client, person)
        await function(talk)
        tools = await size_of_tool_list(client)
    expect(tools <= MOST_OF_TOOLS, "the tool list has grown", tools)
    within = talk.calls <= bound.calls and talk.questions <= bound.questions and talk.bytes <= bound.bytes
    expect(within, f"more than {bound}", (talk.calls, talk.questions, talk.bytes))
    return f"| {title} | {talk.calls} | {talk.questions} | {talk.bytes:,} | {tools + talk.bytes:,} |"


async def main() -> int:
    failures, rows = 0, []
    for title, bound, function in CONVERSATIONS:
        try:
            rows.append(await asyncio.wait_for(held(title, bound, function), SECONDS))
            print(f"ok - conversation: {title}", flush=True)
        except Exception as error:
            failures += 1
            print(f"not ok - conversation: {title}")
            print("\n".join(f"#   {line}" for line in reason(error)), flush=True)
    print("| What is asked | Calls | Questions | Bytes of results | With the tool list |\n|---|---|---|---|---|")
    print("\n".join(rows), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    python_client.BINARY = os.path.abspath(sys.argv[1])
    sys.exit(asyncio.run(main()))
