"""Settles changes on the approval page with a real browser.

    python approval_page.py BINARY FOLDER AXE

`run` installs the driver and axe-core and starts this. The MCP client here has no forms, so that every change waits; it is spoken to
in plain JSON-RPC. Prints one "ok" or "not ok" line for each scenario, puts screenshots into FOLDER, and exits with 1
when one failed.
"""

import base64
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

DENTIST = "lakesidedental.12345.service"
CALLER = "16165550123"
OTHER_CALLER = "16165550127"
# One whom the plan has added.
PLANNED = "6165550201"
# Declined in one scenario, and so not asked about again.
DECLINED = "16165550124"
SECONDS = 20
AXE = Path(sys.argv[3])

SCENARIOS = []


def scenario(function):
    SCENARIOS.append(function)
    return function


def expect(condition, what, seen=""):
    if not condition:
        raise AssertionError(f"{what}; seen: {seen}" if seen != "" else what)


class Server:
    """`skyswitch mcp --sandbox` with a client that has no forms."""

    def __init__(self, binary: str, folder: str, settings: dict | None = None):
        config = Path(folder) / "config.json"
        config.write_text(json.dumps(settings or {}))
        config.chmod(0o600)
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": folder,
            "SKYSWITCH_STATE_DIR": f"{folder}/state",
            "SKYSWITCH_CONFIG": str(config),
            # Each answer here is looked at by itself.
            "SKYSWITCH_APPROVAL_WAIT": "0",
        }
        self.state = Path(folder) / "state"
        self.process = subprocess.Popen(
            [binary, "mcp", "--sandbox"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        self.number = 0
        self.request(
            "initialize",
            {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "browser-checks", "version": "1"},
            },
        )
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        # The names of the customer and of its people are known from these.
        self.call("list_domains")
        self.call("list_destinations", domain=DENTIST)

    def send(self, message: dict) -> None:
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def request(self, method: str, params: dict) -> dict:
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        while True:
            answer = json.loads(self.process.stdout.readline())
            if answer.get("id") == self.number:
                return answer["result"]

    def call(self, tool: str, **arguments) -> dict:
        return self.request("tools/call", {"name": tool, "arguments": arguments})["structuredContent"]

    def remove(self, caller: str) -> dict:
        return self.call("remove_vip", ani=caller, domain=DENTIST)

    def waiting(self, caller: str) -> str:
        """The link under which the removal of a caller waits."""
        asked = self.remove(caller)
        expect(asked["status"] == "confirmation_required", "it waits", asked)
        return asked["approval_link"]

    def expire(self, code: str) -> None:
        """Lets the time of a change that waits be over."""
        with sqlite3.connect(self.state / "sandbox" / "state.db") as store:
            store.execute("UPDATE approvals SET expires_at = expires_at - 301 WHERE code = ?", [code])
        store.close()

    def close(self) -> None:
        self.process.stdin.close()
        expect(self.process.wait(SECONDS) == 0, "the server ends with its input")


def start_browser(folder: str, scripts: bool = False) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder}/profile-{scripts}",
    ]
    for flag in flags:
        options.add_argument(flag)
    # The page has to work without scripts, and axe is one.
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    browser = webdriver.Chrome(options=options, service=service)
    browser.set_page_load_timeout(SECONDS)
    return browser


def heading(browser) -> str:
    return browser.find_element(By.TAG_NAME, "h1").text


def settle(browser, link: str, typed: str | None, choice: str) -> str:
    """Opens a link, types, presses a button; the heading of what comes then."""
    browser.get(link)
    if typed is not None:
        browser.find_element(By.ID, "confirm").send_keys(typed)
    question = browser.find_element(By.TAG_NAME, "h1")
    browser.find_element(By.CSS_SELECTOR, f"button.{choice}").click()
    try:
        WebDriverWait(browser, SECONDS).until(lambda b: is_gone(question))
    except TimeoutException:
        raise AssertionError(f"the form went nowhere: {browser.page_source[:500]}") from None
    return heading(browser)


def is_gone(element) -> bool:
    try:
        element.is_enabled()
        return False
    except Exception:
        return True


def status_of(link: str) -> int:
    try:
        with urllib.request.urlopen(link, timeout=SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


@scenario
def the_page_shows_what_changes(server, browser, folder):
    link = server.waiting(CALLER)
    browser.get(link)
    text = browser.find_element(By.TAG_NAME, "main").text
    for words in [
        "Lakeside Dental",
        "Take +1 616-555-0123 off the VIP list?",
        "A call from +1 616-555-0123 goes straight to Maya Lindgren (101).",
        "treated like every other call",
        "Maya Lindgren (101) no longer gets these calls.",
        "browser-checks 1 (tool remove_vip) asks",
        CALLER,
        "Approve",
        "Decline",
    ]:
        expect(words in text, f"the page says {words!r}", text)
    expect(DENTIST not in text, "the domain is for the details", text)
    browser.find_element(By.TAG_NAME, "summary").click()
    text = browser.find_element(By.TAG_NAME, "details").text
    for words in ["Remove VIP +1 616-555-0123", DENTIST, f'stored as "{CALLER}"']:
        expect(words in text, f"the details say {words!r}", text)
    field = browser.find_element(By.ID, "confirm")
    expect(field.get_attribute("value") == "", "the field is empty")
    expect(field.get_attribute("autocomplete") == "off", "the browser fills nothing in")
    expect(field.get_attribute("inputmode") == "tel", "a phone shows digits")
    expect(browser.get_cookies() == [], "no cookies", browser.get_cookies())
    expect(server.waiting(CALLER) == link, "the same change has the same link")


@scenario
def nothing_is_loaded_from_elsewhere_and_nothing_is_refused_by_the_policy(server, browser, folder):
    link = server.waiting(CALLER)
    for kind in ["performance", "browser"]:
        browser.get_log(kind)
    browser.get(link)
    origin = link.rsplit("/", 1)[0]
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    expect(link in asked, "the page itself was asked for", asked)
    elsewhere = [url for url in asked if not url.startswith(origin) and not url.startswith("data:")]
    expect(not elsewhere, "nothing is asked for elsewhere", elsewhere)
    complaints = [entry["message"] for entry in browser.get_log("browser") if "Security Policy" in entry["message"]]
    expect(not complaints, "the policy lets the style sheet through", complaints)
    button = browser.find_element(By.CSS_SELECTOR, "button.approve")
    shade = button.value_of_css_property("background-color")
    expect("11, 107, 79" in shade, "the style sheet is applied", shade)


@scenario
def declining_changes_nothing_and_is_final(server, browser, folder):
    link = server.waiting(DECLINED)
    expect(settle(browser, link, None, "decline") == "Declined", "declined")
    expect(server.remove(DECLINED)["status"] == "declined", "the tool is told")
    expect(server.remove(DECLINED)["status"] == "declined", "and asks nobody again so soon")
    expect(status_of(link) == 410, "the link says that it is over", status_of(link))
    browser.get(link)
    expect(heading(browser) == "Declined", "and how it ended", browser.page_source)


@scenario
def another_number_or_none_is_named_and_asked_again(server, browser, folder):
    link = server.waiting(CALLER)
    for typed, said in [("16165550199", "is not the caller's number"), (None, "Nothing was typed")]:
        settle(browser, link, typed, "approve")
        text = browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
        expect(said in text, f"the page says {said!r}", text)
        focused = browser.switch_to.active_element.get_attribute("id")
        expect(focused == "confirm", "the field has the focus", focused)
        # Opening the link again shows the same change, which still waits.
    expect(server.waiting(CALLER) == link, "it still waits")


@scenario
def typing_the_number_approves_and_the_call_acts_once(server, browser, folder):
    link = server.waiting(CALLER)
    expect(settle(browser, link, "(616) 555-0123", "approve") == "Approved", "approved")
    expect(status_of(link) == 410, "nothing is left to decide", status_of(link))
    expect(server.remove(CALLER)["status"] == "removed", "the same call acts")
    browser.get(link)
    text = browser.find_element(By.TAG_NAME, "main").text
    expect("Your assistant has gone on with it at" in text, "the link says so", text)
    expect(server.remove(CALLER)["status"] == "not_found", "and only once")


@scenario
def everything_is_done_with_the_keyboard(server, browser, folder):
    link = server.waiting(OTHER_CALLER)
    browser.get(link)
    for expected in ["confirm", "approve", "decline", "summary"]:
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused = browser.switch_to.active_element
        names = [focused.get_attribute("id"), focused.get_attribute("value"), focused.tag_name]
        expect(expected in names, f"the focus comes to {expected}", names)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    expect(browser.find_element(By.TAG_NAME, "details").get_attribute("open"), "the details open")
    question = browser.find_element(By.TAG_NAME, "h1")
    browser.find_element(By.ID, "confirm").send_keys(OTHER_CALLER, Keys.ENTER)
    WebDriverWait(browser, SECONDS).until(lambda b: is_gone(question))
    expect(heading(browser) == "Approved", "Enter approves", heading(browser))
    expect(server.remove(OTHER_CALLER)["status"] == "removed", "the same call acts")


@scenario
def a_plan_is_approved_by_its_number_of_changes(server, browser, folder):
    rows = "".join(f"61655502{number:02},10{number % 3}\n" for number in range(12))
    wanted = {"domain": DENTIST, "list": f"ani,destination\n{rows}", "mode": "mirror"}
    asked = server.call("sync_vips", **wanted)
    expect(asked["status"] == "confirmation_required", "it waits", asked)
    changes = asked["plan"]["add"] + asked["plan"]["replace"] + asked["plan"]["remove"]
    browser.get(asked["approval_link"])
    looked_at(browser, folder, "plan")
    browser.set_window_size(400, 700)
    browser.execute_script("window.scrollTo(0, 500)")
    summary = browser.find_element(By.CSS_SELECTOR, ".summary")
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", summary)
    expect(0 <= top < 100, "the summary stays in view", top)
    browser.set_window_size(1100, 800)
    expect(settle(browser, asked["approval_link"], str(changes), "approve") == "Approved", "approved")
    done = server.call("sync_vips", **wanted)
    expect(done["status"] == "applied", "the same call acts", done)


@scenario
def every_state_is_fit_to_be_looked_at_and_to_be_read_aloud(server, browser, folder):
    asked = server.remove(PLANNED)
    link = asked["approval_link"]
    browser.get(link)
    looked_at(browser, folder, "question")
    browser.find_element(By.TAG_NAME, "summary").click()
    looked_at(browser, folder, "details")
    settle(browser, link, "1", "approve")
    looked_at(browser, folder, "wrong-value")
    server.expire(asked["approval_code"])
    browser.get(link)
    expect(heading(browser) == "Expired", "the time is over", heading(browser))
    looked_at(browser, folder, "expired")

    link = server.waiting(PLANNED)
    settle(browser, link, "1", "approve")
    settle(browser, link, "2", "approve")
    settle(browser, link, "3", "approve")
    looked_at(browser, folder, "not-approved")

    link = server.call("add_vip", ani="6165550139", domain=DENTIST, destination="999")["approval_link"]
    browser.get(link)
    looked_at(browser, folder, "doubtful-destination")
    # A PIN that somebody has set; nobody knows this one.
    pin = server.state / "sandbox" / "pin"
    pin.write_text("$argon2id$v=19$m=19456,t=2,p=1$" + "A" * 22 + "$" + "A" * 43)
    pin.chmod(0o600)
    try:
        browser.get(link)
        looked_at(browser, folder, "pin")
        settle(browser, link, "6165550139", "approve")
        text = browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
        expect("That is not the PIN" in text, "the PIN is asked for", text)
    finally:
        pin.unlink()
    settle(browser, link, "6165550139", "approve")
    looked_at(browser, folder, "approved")
    browser.get(link.rsplit("/", 1)[0] + "/unknown")
    looked_at(browser, folder, "unknown")


def looked_at(browser, folder: str, state: str) -> None:
    """Takes pictures of a state, and has axe look for what keeps people out."""
    for scheme in ["light", "dark"]:
        for name, width in [("phone", 360), ("desktop", 1100)]:
            page = picture(browser, folder, f"{state}-{name}-{scheme}", width, scheme)
            expect(page <= width, f"nothing sticks out at {width} px", page)
        seen = Path(folder) / "seen-by-axe.html"
        seen.write_text(browser.page_source)
        judge = browser.judge
        judge.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        judge.get(seen.as_uri())
        judge.execute_script(AXE.read_text())
        found = judge.execute_async_script(
            "const told = arguments[0]; axe.run().then(seen => told(seen.violations), error => told([String(error)]));"
        )
        told = [f"{one['id']}: {one['nodes'][0]['html']}" if isinstance(one, dict) else one for one in found]
        expect(not told, f"axe finds nothing in {state} ({scheme})", told)


def picture(browser, folder: str, name: str, width: int, scheme: str) -> int:
    """Takes a screenshot of the whole page; gives the width of its content."""
    run = browser.execute_cdp_cmd
    run("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    run("Emulation.setDeviceMetricsOverride", metrics)
    content = run("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": content["width"], "height": content["height"], "scale": 1}
    shot = run("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
    run("Emulation.clearDeviceMetricsOverride", {})
    return round(content["width"])


def without_the_page(binary: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(binary, folder, {"approval_page": False})
        asked = server.remove(CALLER)
        expect("approval_code" in asked and "approval_link" not in asked, "only the code is given", asked)
        server.close()


def main() -> int:
    binary, folder = sys.argv[1:3]
    failed = 0

    def check(name, function, *arguments):
        nonlocal failed
        try:
            function(*arguments)
            print(f"ok - {name.replace('_', ' ')}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            print(f"not ok - {name.replace('_', ' ')}", flush=True)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        server = Server(binary, home)
        browser = start_browser(home)
        browser.judge = start_browser(home, scripts=True)
        try:
            for function in SCENARIOS:
                check(function.__name__, function, server, browser, folder)
        finally:
            browser.judge.quit()
            browser.quit()
        check("the server ends although a link is live", server.close)
    check("the page can be switched off", without_the_page, binary)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
