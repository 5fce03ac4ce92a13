"""Opens every page of the book in a real headless Chromium, wide and narrow: nothing may be wider than the window, cut, missing or broken.

    scripts/book && book.py [--shots FOLDER]

Ends with 1 and says what is wrong, of all pages. Prints how many pages were looked at.
"""

import argparse
import base64
import functools
import http.server
import pathlib
import sys
import threading
import urllib.parse

from look import Browser, expect

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BOOK = ROOT / "target/book"
WIDTHS = (1280, 375)
# What mdBook makes besides: the sidebar alone, all pages as one, and what is shown at a wrong address, whose style is looked for at the
# root of the server.
NO_PAGES = {"toc.html", "print.html", "404.html"}

# What a reader would miss on the page that is open.
FAULTS = """(() => {
  const wrong = [];
  const name = element => element.localName + (element.id ? '#' + element.id : '') +
    (element.classList.length ? '.' + [...element.classList].join('.') : '');
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) wrong.push(`the page is ${wide} pixels wide in a window of ${innerWidth}`);
  for (const image of document.images)
    if (!image.complete || !image.naturalWidth) wrong.push(`the picture ${image.getAttribute('src')} is missing`);
  // The text in a picture is as large as that around it, when the picture has the size that it was drawn in.
  for (const image of document.querySelectorAll('main img'))
    if (image.width < .8 * image.naturalWidth)
      wrong.push(`the picture ${image.getAttribute('src')} is ${image.width} pixels wide, and was drawn for ${image.naturalWidth}`);
  const scrolls = style => ['auto', 'scroll'].includes(style.overflowX);
  const main = document.querySelector('main');
  if (!main || !main.innerText.trim()) return [...wrong, 'it has no text'];
  const said = new Set();
  for (const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT); walker.nextNode();) {
    const node = walker.currentNode;
    if (!node.data.trim() || !node.parentElement.checkVisibility()) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width) continue;
    let around = node.parentElement;
    // As far as something in the text can be scrolled, it can be read; the page itself shall not have to be.
    for (; around !== main; around = around.parentElement) {
      const style = getComputedStyle(around);
      if (scrolls(style)) break;
      const edge = around.getBoundingClientRect();
      if (['hidden', 'clip'].includes(style.overflowX) && box.right > edge.right + 1) said.add(`${name(around)} cuts ${node.data.trim().slice(0, 60)}`);
    }
    if (around === main && box.right > innerWidth + 1)
      said.add(`${name(node.parentElement)} goes over the edge: ${node.data.trim().slice(0, 60)}`);
  }
  return [...wrong, ...said];
})()"""


def pages():
    found = sorted(page for page in (BOOK / "docs").rglob("*.html") if page.name not in NO_PAGES)
    expect(len(found) > 40, f"{BOOK} is no book: scripts/book makes it")
    return [page.relative_to(BOOK).as_posix() for page in found]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        """Nobody reads it."""


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *of):
        # A browser that turns to another page does not wait for the rest of this one.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*of)


def serve():
    handler = functools.partial(Quiet, directory=BOOK)
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def complaints(browser, site):
    """What the browser itself had to say since the page was opened."""
    for event in browser.events:
        name, told = event.get("method"), event.get("params", {})
        if name == "Network.requestWillBeSent" and not told["request"]["url"].startswith((site, "data:")):
            yield f"it asks for {told['request']['url']}"
        elif name == "Network.responseReceived" and told["response"]["status"] >= 400:
            yield f"{told['response']['status']} for {told['response']['url'].removeprefix(site)}"
        elif name == "Log.entryAdded" and told["entry"]["level"] == "error":
            yield told["entry"]["text"]
        elif name == "Runtime.exceptionThrown":
            yield told["exceptionDetails"].get("exception", {}).get("description", "a script failed")
        elif name == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            yield " ".join(str(one.get("value", "")) for one in told["args"])


def look(browser, site, page, width, shots):
    height = 900
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
    browser.visit(site + urllib.parse.quote(page))
    browser.evaluate("document.fonts.ready.then(() => 1)")
    found = browser.evaluate(FAULTS) + list(complaints(browser, site))
    if shots:
        whole = browser.evaluate("document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": width, "height": min(whole, 6000), "scale": 1}
        shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        name = page.removeprefix("docs/").removesuffix(".html").replace("/", "-")
        (shots / f"{name}-{width}.png").write_bytes(base64.b64decode(shot["data"]))
    return [f"{page} at {width}: {fault}" for fault in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=pathlib.Path)
    wanted = parser.parse_args()
    if wanted.shots:
        wanted.shots.mkdir(parents=True, exist_ok=True)
    site, found, all_pages = serve(), [], pages()
    browser = Browser()
    try:
        for page in all_pages:
            for width in WIDTHS:
                found += look(browser, site, page, width, wanted.shots)
    finally:
        browser.close()
    if found:
        sys.exit("error: " + "\n       ".join(found))
    print(f"{len(all_pages)} pages of the book, each at {' and '.join(map(str, WIDTHS))} pixels")


if __name__ == "__main__":
    main()
