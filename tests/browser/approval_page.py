"""Settles changes on the approval page with a real browser.

    python approval_page.py BINARY FOLDER

`run` installs the driver and starts this. The MCP client here has no forms, so that every change waits; it is spoken to
in plain JSON-RPC. Prints one "ok" or "not ok" line for each scenario, puts screenshots into FOLDER, and exits with 1
when one failed.
"""

import base64
import json
import os
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
from selenium.webdriver.support.ui import WebDriverWait

DENTIST = "lakesidedental.12345.service"
CALLER = "16165550123"
OTHER_CALLER = "16165550127"
# Whose change waits once that one is settled.
LATER = "16165550125"
# Declined in one scenario, and so not asked about again.
DECLINED = "16165550124"
SECONDS = 20

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
        }
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

    def close(self) -> None:
        self.process.stdin.close()
        expect(self.process.wait(SECONDS) == 0, "the server ends with its input")


def start_browser(folder: str) -> webdriver.Chrome:
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
        f"--user-data-dir={folder}/profile",
    ]
    for flag in flags:
        options.add_argument(flag)
    # The page has to work without scripts.
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
    for words in ["Remove VIP +1 616-555-0123", DENTIST, 'goes to user "101"', "no VIP rule", CALLER, "Approve", "Decline"]:
        expect(words in text, f"the page says {words!r}", text)
    field = browser.find_element(By.ID, "confirm")
    expect(field.get_attribute("value") == "", "the field is empty")
    expect(field.get_attribute("autocomplete") == "off", "the browser fills nothing in")
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
    expect(status_of(link) in (404, 0), "the link is gone", status_of(link))


@scenario
def another_number_or_none_is_named_and_asked_again(server, browser, folder):
    link = server.waiting(CALLER)
    for typed, said in [("16165550199", "is not the caller's number"), (None, "Nothing was typed")]:
        settle(browser, link, typed, "approve")
        text = browser.find_element(By.CSS_SELECTOR, "[role=alert]").text
        expect(said in text, f"the page says {said!r}", text)
        # Opening the link again shows the same change, which still waits.
    expect(server.waiting(CALLER) == link, "it still waits")


@scenario
def typing_the_number_approves_and_the_call_acts_once(server, browser, folder):
    link = server.waiting(CALLER)
    expect(settle(browser, link, "(616) 555-0123", "approve") == "Approved", "approved")
    expect(status_of(link) in (404, 0), "the link is gone", status_of(link))
    expect(server.remove(CALLER)["status"] == "removed", "the same call acts")
    expect(server.remove(CALLER)["status"] == "not_found", "and only once")


@scenario
def the_page_ends_with_its_last_link(server, browser, folder):
    link = server.waiting(OTHER_CALLER)
    expect(status_of(link) == 200, "it is open")
    settle(browser, link, None, "decline")
    until = time.monotonic() + SECONDS
    while status_of(link) != 0 and time.monotonic() < until:
        time.sleep(0.1)
    expect(status_of(link) == 0, "nobody listens any more", status_of(link))
    other = server.waiting(LATER)
    expect(other != link and status_of(other) == 200, "a later change has a page again")


@scenario
def a_plan_is_approved_by_its_number_of_changes(server, browser, folder):
    rows = "".join(f"61655502{number:02},10{number % 3}\n" for number in range(12))
    wanted = {"domain": DENTIST, "list": f"ani,destination\n{rows}", "mode": "mirror"}
    asked = server.call("sync_vips", **wanted)
    expect(asked["status"] == "confirmation_required", "it waits", asked)
    changes = asked["plan"]["add"] + asked["plan"]["replace"] + asked["plan"]["remove"]
    browser.get(asked["approval_link"])
    picture(browser, folder, "plan", 1100, "light")
    expect(settle(browser, asked["approval_link"], str(changes), "approve") == "Approved", "approved")
    done = server.call("sync_vips", **wanted)
    expect(done["status"] == "applied", "the same call acts", done)


@scenario
def it_is_fit_to_be_looked_at(server, browser, folder):
    link = server.waiting("6165550201")
    browser.get(link)
    for scheme in ["light", "dark"]:
        for name, width in [("narrow", 320), ("wide", 1100)]:
            page = picture(browser, folder, f"{name}-{scheme}", width, scheme)
            expect(page <= width, f"nothing sticks out at {width} px", page)


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
    binary, folder = sys.argv[1:]
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
        try:
            for function in SCENARIOS:
                check(function.__name__, function, server, browser, folder)
        finally:
            browser.quit()
        check("the server ends although a link is live", server.close)
    check("the page can be switched off", without_the_page, binary)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
