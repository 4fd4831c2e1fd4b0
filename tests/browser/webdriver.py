# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium by the W3C WebDriver protocol. Standard library only; needs Debian's packages
chromium and chromium-driver."""
import base64
import hashlib
import http.client
import json
import os
import shutil
import subprocess
import tempfile
import time

PATIENCE = 30  # seconds for a page that comes as soon as it can
# chromedriver takes any free port of IPv4 and then wants the same one of IPv6; it ends when that one
# is taken.
STARTS = 5
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


TAB, ENTER = "\ue004", "\ue007"

# Answers once the page is there as a whole and was drawn: what has `autofocus` gets it when the
# page is drawn for the first time, and styles may come after the elements.
DRAWN = """
const done = arguments[0];
const drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
if (document.readyState === 'complete') drawn();
else addEventListener('load', drawn);
"""


def key_hash(certificate):
    """The hash of a PEM file's public key: base64 of SHA-256 over its SubjectPublicKeyInfo."""
    key = subprocess.run(["openssl", "x509", "-in", certificate, "-pubkey", "-noout"],
                         capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key,
                         capture_output=True, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


class Driver:
    """chromedriver on a free port, for any number of browsers one after the other."""

    def __init__(self):
        for _ in range(STARTS):
            self.process = subprocess.Popen(
                ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, text=True)
            said = []
            for line in self.process.stdout:
                said.append(line)
                if "started successfully on port" in line:
                    self.port = int(line.rstrip().rstrip(".").rsplit(" ", 1)[1])
                    return
            self.stop()
        raise RuntimeError("chromedriver did not start: " + "".join(said))

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            reply = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(reply, dict) and "error" in reply:
            raise LookupError("%s: %s" % (reply["error"], reply["message"].split("\n")[0]))
        return reply

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Chromium:
    """One browser with a profile of its own."""

    def __init__(self, driver, width, height, dark=False, trusted=()):
        """`trusted`: hashes of public keys whose certificates it takes (key_hash)."""
        self.driver, self.width = driver, width
        self.profile = tempfile.mkdtemp(prefix="sluice-chromium-")
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--no-first-run", "--disable-extensions",
                     "--disable-background-networking", "--user-data-dir=" + self.profile,
                     "--window-size=%d,%d" % (max(width, 600), height)]
        if trusted:
            arguments.append("--ignore-certificate-errors-spki-list=" + ",".join(trusted))
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # Chromium does not run as root otherwise
        options = {"args": arguments, "mobileEmulation": {
            "deviceMetrics": {"width": width, "height": height, "pixelRatio": 1,
                              "mobile": width < 600, "touch": width < 600}}}
        session = driver.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.path = "/session/" + session["sessionId"]
        if dark:
            self.devtools("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": "dark"}])

    def ask(self, method, path, body=None):
        return self.driver.ask(method, self.path + path, body)

    def stop(self):
        self.ask("DELETE", "")
        shutil.rmtree(self.profile, ignore_errors=True)

    def devtools(self, command, **params):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    @property
    def url(self):
        return self.ask("GET", "/url")

    def run(self, script, *args):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, element_id):
        """The element of that id, once it is there."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask("POST", "/element", {"using": "css selector",
                                                     "value": '[id="%s"]' % element_id})[ELEMENT]
            except LookupError:
                if time.monotonic() > end:
                    raise AssertionError("no #%s on %s: %s" % (
                        element_id, self.url, self.text())) from None
            time.sleep(0.02)

    def settle(self):
        """Until the page that is shown is complete and drawn."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask("POST", "/execute/async", {"script": DRAWN, "args": []})
            except LookupError:  # it went away for the next one
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def at(self, element_id, method, path, body=None):
        """A command for the element of that id; for its successor, when its page went away before."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask(method, "/element/%s%s" % (self.find(element_id), path), body)
            except LookupError as error:
                if not str(error).startswith("stale element") or time.monotonic() > end:
                    raise

    def has(self, element_id):
        return self.run("return document.getElementById(arguments[0]) !== null", element_id)

    def click(self, element_id):
        self.at(element_id, "POST", "/click", {})

    def type(self, element_id, text):
        self.at(element_id, "POST", "/clear", {})
        self.at(element_id, "POST", "/value", {"text": text})

    def choose(self, element_id, value):
        """An option of a select."""
        self.run("const e = document.getElementById(arguments[0]); e.value = arguments[1];"
                 "e.dispatchEvent(new Event('change', {bubbles: true}))", element_id, value)

    def press(self, *keys):
        """Keys, one after another, as a person presses them; TAB and ENTER are here."""
        self.settle()
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [
            {"type": "key", "id": "keyboard", "actions": actions}]})

    def focused(self):
        """The id of what has the focus, once the page is settled."""
        self.settle()
        return self.run("return document.activeElement.id")

    def text(self, element_id=None):
        if element_id is not None:
            return self.at(element_id, "GET", "/text")
        return self.run("return document.body ? document.body.innerText : ''")

    def href(self, element_id):
        return self.at(element_id, "GET", "/property/href")

    def cookies(self):
        return self.ask("GET", "/cookie")

    def complaints(self):
        """What the browser's console holds of severe faults: refused by a policy, say."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})
                if entry["level"] == "SEVERE"]

    def requests(self):
        """The addresses that were asked for since the last time, redirects among them."""
        messages = [json.loads(entry["message"])["message"]
                    for entry in self.ask("POST", "/se/log", {"type": "performance"})]
        return [one["params"]["request"]["url"] for one in messages
                if one["method"] == "Network.requestWillBeSent"]

    def shoot(self, path):
        """The whole page as a PNG."""
        size = self.devtools("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                             clip={"x": 0, "y": 0, "width": self.width,
                                   "height": size["height"], "scale": 1})
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
