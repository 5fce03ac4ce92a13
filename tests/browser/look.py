"""Opens pages in a real headless Chromium and checks what people meet there: light and dark, wide and narrow, by keyboard, on paper.

    look.py --texts TEXTS.json [--shots FOLDER] [--pictures PICTURES.json [--record]] PAGE.html …

TEXTS.json is a list of texts that must be on every page as text. PICTURES.json has what the pages look like, coarse enough that fonts do
not matter: the color of the paper and how much ink is in each cell of a grid. --record writes it anew. Speaks the DevTools protocol over a pipe, so that only the standard
library is needed. Ends with 1 and says what is wrong. Nothing on the pages may run, load or complain.
"""

import argparse
import base64
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LIMIT = 30


class Wrong(Exception):
    """Something on a page is not as it must be."""


def expect(fact, *words):
    if not fact:
        raise Wrong(" ".join(str(word) for word in words))


class Browser:
    def __init__(self):
        program = next(filter(None, map(shutil.which, NAMES)), None)
        expect(program, "there is no Chromium on PATH: python3 tests/bed/bed.py --install installs it on Debian")
        self.profile = tempfile.TemporaryDirectory(prefix="eksact-browser-", ignore_cleanup_errors=True)
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()

        def place():
            # Chromium reads commands from 3 and writes to 4; neither may be closed by the other's move.
            read, write = os.dup(to_browser), os.dup(from_browser)
            os.dup2(read, 3)
            os.dup2(write, 4)

        command = [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
                   "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
                   "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=place, close_fds=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.rest, self.last, self.events = b"", 0, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        # Pages let nobody load a picture: another one looks at theirs.
        self.page = self.session
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.looker = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.session = self.page

    session = None

    def picture(self):
        """What is in the window, as its paper and the ink in each cell."""
        # A page behind another one may never be drawn.
        self.call("Page.bringToFront")
        shot = self.call("Page.captureScreenshot")["data"]
        self.session = self.looker
        try:
            return self.evaluate(PICTURE.replace("SHOT", shot))
        finally:
            self.session = self.page

    def message(self, until):
        while b"\0" not in self.rest:
            left = until - time.monotonic()
            expect(left > 0 and select.select([self.into], [], [], left)[0], "the browser did not answer in time")
            piece = os.read(self.into, 1 << 20)
            expect(piece, "the browser ended")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.last += 1
        request = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        until = time.monotonic() + LIMIT
        while True:
            message = self.message(until)
            if message.get("id") == self.last:
                expect("error" not in message, method, message.get("error"))
                return message["result"]
            self.events.append(message)

    def wait(self, method):
        until = time.monotonic() + LIMIT
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.message(until))

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        expect("exceptionDetails" not in result, expression, result.get("exceptionDetails"))
        return result["result"].get("value")

    def press(self, key, code):
        for kind in ("rawKeyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "rawKeyDown" else {}
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **text)

    def open(self, path):
        self.visit(path.as_uri())

    def visit(self, url):
        self.events = []
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (Wrong, OSError):
            self.process.terminate()
        self.process.wait()
        self.profile.cleanup()


# A picture as a grid: of each cell how many of a hundred pixels are not of the paper's color, which is the most frequent one.
PICTURE = """(async () => {
  const image = new Image();
  image.src = 'data:image/png;base64,SHOT';
  await image.decode();
  const [wide, high] = [image.width, image.height], columns = Math.max(5, Math.round(wide / 80)), rows = 12;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, wide, high).data, counts = new Map();
  for (let at = 0; at < pixels.length; at += 4) {
    const color = pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2];
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  const most = [...counts].sort((one, other) => other[1] - one[1])[0][0], paper = [most >> 16, most >> 8 & 255, most & 255];
  const ink = Array.from({length: rows}, () => Array(columns).fill(0));
  for (let y = 0; y < high; y++) for (let x = 0; x < wide; x++) {
    const at = 4 * (y * wide + x);
    if (Math.abs(pixels[at] - paper[0]) + Math.abs(pixels[at + 1] - paper[1]) + Math.abs(pixels[at + 2] - paper[2]) > 60)
      ink[Math.floor(y * rows / high)][Math.floor(x * columns / wide)]++;
  }
  const cell = wide * high / rows / columns / 100;
  return {paper, ink: ink.map(row => row.map(count => Math.round(count / cell)))};
})()"""
# The least contrast of text with what is behind it, for every text that is shown (WCAG 2.2, 1.4.3).
CONTRAST = """(() => {
  const rgb = text => { const n = text.match(/[\\d.]+/g).map(Number); return {c: n.slice(0, 3), a: n[3] ?? 1}; };
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  let least = {ratio: 99};
  for (const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walker.nextNode();) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    let behind = element;
    while (behind && rgb(getComputedStyle(behind).backgroundColor).a < 1) behind = behind.parentElement;
    const paper = behind ? rgb(getComputedStyle(behind).backgroundColor).c : [255, 255, 255];
    const [a, b] = [light(rgb(getComputedStyle(element).color).c), light(paper)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < least.ratio) least = {ratio, text: walker.currentNode.data.trim().slice(0, 60), of: element.className};
  }
  return least;
})()"""
SHOWN = "[...document.querySelectorAll('.change')].filter(change => change.checkVisibility()).length"
# What no value may have made. The page of many clusters links to its own sections.
FOREIGN = """[...document.querySelectorAll(
    'script, img, iframe, object, embed, a:not(.clusters a), form, link, svg, video, audio, base')]
  .map(element => element.outerHTML).concat([...document.querySelectorAll('*')].flatMap(element =>
    [...element.attributes].filter(at => at.name.startsWith('on') || ['src', 'href', 'style', 'srcdoc'].includes(at.name))
      .filter(at => !(at.name === 'href' && /^#cluster-[0-9]+$/.test(at.value)))
      .map(at => at.name + '=' + at.value)))"""


def colors(browser, page, shots):
    papers = {}
    for scheme in ("light", "dark"):
        browser.call("Emulation.setEmulatedMedia", media="screen",
                     features=[{"name": "prefers-color-scheme", "value": scheme}])
        papers[scheme] = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        for width in (1280, 375):
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            wide = browser.evaluate("document.documentElement.scrollWidth")
            expect(wide <= width, f"{page.name}: {wide} pixels wide in a window of {width}")
            least = browser.evaluate(CONTRAST)
            expect(least["ratio"] >= 4.5, f"{page.name} {scheme}: too little contrast:", least)
            if shots:
                shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True)
                (shots / f"{page.stem}-{scheme}-{width}.png").write_bytes(base64.b64decode(shot["data"]))
    expect(papers["light"] != papers["dark"], f"{page.name}: dark looks like light: {papers}")
    browser.call("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)


# How far a picture may be from the recorded one: the paper in steps of a color, the ink as a share of all of both. Another font family is
# up to 0.19 away, a page without its style 0.28.
PAPER, INK = 40, 0.22


def apart(one, other):
    """How far two pictures are from each other, in paper and in ink."""
    paper = max(abs(a - b) for a, b in zip(one["paper"], other["paper"]))
    if [len(row) for row in one["ink"]] != [len(row) for row in other["ink"]]:
        return paper, 1
    pairs = [pair for rows in zip(one["ink"], other["ink"]) for pair in zip(*rows)]
    return paper, sum(abs(a - b) for a, b in pairs) / max(1, sum(a + b for a, b in pairs))


def is_alike(one, other):
    paper, ink = apart(one, other)
    return paper <= PAPER and ink <= INK


# What makes a page wrong, each of which the pictures must tell, from this width on.
SPOILT = {
    "blank": ("document.body.style.display = 'none'", 0),
    "without its style": ("[...document.styleSheets].forEach(sheet => sheet.disabled = true)", 0),
    # In a narrow window the first table begins far below.
    "without its tables": ("document.querySelectorAll('table').forEach(table => table.remove())", 1280),
}


def pictures(browser, page, recorded, record):
    """The page beside its recorded pictures, and spoilt pages beside them."""
    taken = {}
    for scheme in ("light", "dark"):
        for width in (1280, 375):
            browser.call("Emulation.setEmulatedMedia", media="screen",
                         features=[{"name": "prefers-color-scheme", "value": scheme}])
            browser.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            browser.open(page)
            name = f"{page.stem}-{scheme}-{width}"
            taken[name] = browser.picture()
            if record:
                recorded[name] = taken[name]
            expect(name in recorded, f"{name} has no recorded picture: --record takes it")
            paper, ink = apart(taken[name], recorded[name])
            expect(paper <= PAPER and ink <= INK, f"{name} looks otherwise than recorded: paper {paper} of {PAPER}, ink {ink:.2f} of {INK}; "
                   "where that is meant, record the pictures anew: EKSACT_BLESS=1 cargo test --test test_bed browser")
            for how, (spoil, least) in SPOILT.items():
                if width < least:
                    continue
                browser.open(page)
                browser.evaluate(spoil)
                expect(not is_alike(browser.picture(), recorded[name]), f"{name}: {how} it looks like its picture")
    for width in (1280, 375):
        light, dark = (recorded[f"{page.stem}-{scheme}-{width}"] for scheme in ("light", "dark"))
        expect(not is_alike(light, dark), f"{page.stem}: dark looks like light in the pictures of {width}")
    browser.open(page)


def keyboard(browser, page):
    """The filter and what is folded, with Tab, the arrows and Enter."""
    count = {name: browser.evaluate(f"document.querySelectorAll('.change{name}').length")
             for name in ("", ":is(.broader, .incomparable)", ".narrower", ".equal")}
    expect(count[""] > 0, f"{page.name}: no changes")
    links = browser.evaluate("document.querySelectorAll('.clusters a').length")
    before = browser.evaluate("""[...document.querySelectorAll('a, summary')].filter(element => element.checkVisibility()
      && element.compareDocumentPosition(document.getElementById('show-all')) & Node.DOCUMENT_POSITION_FOLLOWING).length""")
    for _ in range(before):
        browser.press("Tab", 9)
        expect(browser.evaluate("document.activeElement.localName") in ("a", "summary"), "Tab leads to what is before the filter")
    browser.press("Tab", 9)
    expect(browser.evaluate("document.activeElement.id") == "show-all", "Tab leads to the filter first")
    expect(browser.evaluate("getComputedStyle(document.activeElement.parentElement).outlineStyle") == "solid", "no focus is seen")
    for name, wanted in (("broader", count[":is(.broader, .incomparable)"]), ("narrower", count[".narrower"]),
                         ("equal", count[".equal"]), ("all", count[""])):
        browser.press("ArrowRight", 39)
        expect(browser.evaluate(f"document.getElementById('show-{name}').checked"), f"{page.name}: {name} is not chosen")
        shown = browser.evaluate(SHOWN)
        expect(shown == wanted, f"{page.name}: {shown} shown for {name}, {wanted} wanted")
        label = browser.evaluate(f"document.getElementById('show-{name}').parentElement.textContent")
        expect(f"({wanted})" in label, f"{page.name}: {label} says another number than {wanted}")
    browser.press("Tab", 9)
    expect(browser.evaluate("document.activeElement.localName") == "summary", "Tab leads to the changes next")
    is_open = "document.activeElement.parentElement.open"
    before = browser.evaluate(is_open)
    browser.press("Enter", 13)
    expect(browser.evaluate(is_open) != before, f"{page.name}: Enter does not fold")
    browser.press("Enter", 13)
    for number in range(links):
        link = f"document.querySelectorAll('.clusters a')[{number}]"
        browser.evaluate(f"{link}.focus()")
        browser.press("Enter", 13)
        name = browser.evaluate("document.querySelector(':target > h2 > code')?.textContent")
        expect(name and name == browser.evaluate(f"{link}.textContent"), f"{page.name}: a link leads to {name}")


def paper(browser, page):
    """On paper nothing is folded."""
    browser.evaluate("document.querySelectorAll('details').forEach(details => details.open = false)")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    folded = browser.evaluate("[...document.querySelectorAll('.change .body')].filter(body => !body.checkVisibility()).length")
    expect(folded == 0, f"{page.name}: {folded} changes are folded on paper")
    expect(not browser.evaluate("document.querySelector('fieldset')?.checkVisibility()"), "the filter is on paper")


def filters(browser, page):
    """The filters of the map, by keyboard; and its tables where no script runs."""
    shown = "[...document.querySelectorAll('#{} > tbody > tr')].filter(row => row.checkVisibility()).length"
    count = lambda: [browser.evaluate(shown.format(table)) for table in ("people", "rights", "pods", "escalators")]
    every = count()
    expect(all(every), f"{page.name}: a table is empty: {every}")
    browser.press("/", 191)
    expect(browser.evaluate("document.activeElement.id") == "search", f"{page.name}: / does not lead to the search")
    browser.call("Input.insertText", text="no such name anywhere")
    expect(not any(count()), f"{page.name}: {count()} rows have what is nowhere")
    browser.press("Escape", 27)
    browser.evaluate("new Promise(done => setTimeout(done))")
    expect(count() == every, f"{page.name}: Escape does not show all: {count()}, not {every}")
    browser.evaluate("document.querySelector('.follow').focus()")
    wanted = int(browser.evaluate("document.activeElement.textContent"))
    browser.press("Enter", 13)
    expect(count()[:2] == [1, wanted], f"{page.name}: {count()} rows for one principal with {wanted} rights")
    expect(browser.evaluate("document.querySelector('[aria-pressed=true]') === document.activeElement"), "no button is pressed")
    browser.press("Enter", 13)
    expect(count() == every, f"{page.name}: a second Enter does not show all")
    for name in ("namespace", "verb"):
        browser.evaluate(f"(() => {{ const all = document.getElementById('{name}'); all.selectedIndex = 1;"
                         " all.dispatchEvent(new Event('input', {bubbles: true})); })()")
        expect(0 < sum(count()) < sum(every), f"{page.name}: {count()} rows of {every} by {name}")
        browser.evaluate("document.querySelector('[type=reset]').click()")
        browser.evaluate("new Promise(done => setTimeout(done))")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    expect(not browser.evaluate("document.getElementById('filter').checkVisibility()"), "the filter is on paper")
    expect(count() == every, f"{page.name}: {count()} rows on paper")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page)
    expect(count() == every, f"{page.name}: {count()} rows without scripts")
    expect(not browser.evaluate("document.getElementById('filter').checkVisibility()"), "the filter is there without its script")
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


# The only script and form that the map has.
OWN = ('<script>"use strict";', '<form id="filter"')


def look(browser, page, texts, shots, recorded=None, record=False):
    if recorded is not None:
        pictures(browser, page, recorded, record)
    browser.open(page)
    is_map = browser.evaluate("Boolean(document.getElementById('filter'))")
    foreign = browser.evaluate(FOREIGN)
    if is_map:
        own = [element for element in foreign if element.startswith(OWN)]
        expect(len(own) == len(OWN), f"{page.name}: {len(own)} scripts and forms")
        foreign = [element for element in foreign if element not in own]
    expect(not foreign, f"{page.name}: a value became", foreign)
    words = browser.evaluate("document.body.textContent")
    for text in texts:
        expect(text in words, f"{page.name}: {text!r} is not there as text")
    colors(browser, page, shots)
    if is_map:
        filters(browser, page)
    else:
        keyboard(browser, page)
        paper(browser, page)
    for event in browser.events:
        name = event.get("method")
        if name == "Network.requestWillBeSent":
            expect(event["params"]["request"]["url"] == page.as_uri(), f"{page.name} asks for", event["params"]["request"]["url"])
        expect(name not in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Page.javascriptDialogOpening"),
               f"{page.name}:", event)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=pathlib.Path, required=True)
    parser.add_argument("--shots", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    wanted = parser.parse_args()
    if wanted.shots:
        wanted.shots.mkdir(parents=True, exist_ok=True)
    recorded = None
    if wanted.pictures:
        recorded = {} if wanted.record else json.loads(wanted.pictures.read_text(encoding="utf-8"))
    try:
        browser = Browser()
        try:
            texts = json.loads(wanted.texts.read_text(encoding="utf-8"))
            for page in wanted.pages:
                look(browser, page.resolve(), texts, wanted.shots, recorded, wanted.record)
        finally:
            browser.close()
        if wanted.record:
            lines = [f"  {json.dumps(name)}: {json.dumps(picture, separators=(',', ':'))}" for name, picture in recorded.items()]
            wanted.pictures.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")
    print(f"{len(wanted.pages)} pages, each in light and dark, wide and narrow, by keyboard and on paper")


if __name__ == "__main__":
    main()
