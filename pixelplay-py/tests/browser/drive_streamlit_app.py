"""Drives the Streamlit example in a real browser, in wide and narrow windows, light and dark.

Needs the packages in requirements.txt next to this file, pixelplay, and a Chromium, named by PIXELPLAY_CHROMIUM or on
the PATH. `cargo xtask soak` runs it. With --out, it also saves a screenshot of each state.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Playwright, expect, sync_playwright

REPOSITORY = Path(__file__).parents[3]
APP = REPOSITORY / "pixelplay-py" / "examples" / "streamlit_app" / "app.py"
PICTURE = REPOSITORY / "data" / "samples" / "coffee.jpg"
PASSWORD = "correct horse battery"
WINDOWS = {"wide": (1280, 800), "phone": (390, 844)}
SCHEMES = ("light", "dark")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder for screenshots (default: no screenshots)")
    parser.add_argument("--picture", type=Path, default=PICTURE, help="the picture to upload (default: a sample)")
    parser.add_argument("--window", choices=WINDOWS, action="append", help="test only this width; may be repeated")
    parser.add_argument("--scheme", choices=SCHEMES, action="append", help="test only this scheme; may be repeated")
    options = parser.parse_args()
    chromium = os.environ.get("PIXELPLAY_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if chromium is None:
        sys.exit("no Chromium on the PATH: install one, or name one with PIXELPLAY_CHROMIUM=...")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as address, sync_playwright() as playwright:
        for window in options.window or WINDOWS:
            for scheme in options.scheme or SCHEMES:
                Visit(playwright, chromium, address, window, scheme, options.out).run(options.picture)
    return 0


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Starts the app on a free port, with its own accounts, and yields its address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    log = folder / "streamlit.log"
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    command += ["--server.headless", "true", "--", "--users", str(folder / "users.db")]
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    address = f"http://localhost:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"the app does not start:\n{log.read_text(errors='replace')}")
                time.sleep(0.2)
        yield address
        said = log.read_text(errors="replace")
        assert "Traceback" not in said and "eprecat" not in said, said
    finally:
        server.terminate()
        server.wait(timeout=20)


class Visit:
    """A user in one window, from the empty page to the log-out."""

    def __init__(
        self, playwright: Playwright, chromium: str, address: str, window: str, scheme: str, out: Path | None
    ) -> None:
        self.name, self.out = f"{window}-{scheme}", out
        self.width, self.height = WINDOWS[window]
        self.browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        self.page: Page = self.browser.new_page(
            viewport={"width": self.width, "height": self.height},
            color_scheme="dark" if scheme == "dark" else "light",
            device_scale_factor=1,
        )
        self.page.set_default_timeout(30_000)
        expect.set_options(timeout=15_000)
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.note_address(request.url))
        self.page.on("websocket", lambda socket: self.note_address(socket.url))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.address = address
        self.shots = 0

    def note_address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in LOOPBACK:
            self.foreign.append(url)

    def run(self, picture: Path) -> None:
        try:
            self.story(picture)
            assert not self.foreign, f"requests that left this machine: {self.foreign}"
            assert not self.complaints, f"the console says: {self.complaints}"
            print(f"{self.name}: all as expected, {self.shots} screenshots")
        except BaseException:
            if self.out:
                self.page.screenshot(path=self.out / f"{self.name}-failed.png")
            raise
        finally:
            self.browser.close()

    def story(self, picture: Path) -> None:
        page = self.page
        page.goto(self.address)
        expect(page.get_by_role("heading", name="Start with a picture")).to_be_visible()
        expect(page.get_by_role("button", name="Coffee")).to_be_visible()
        self.seen("empty")

        self.tab("Account")
        page.get_by_role("tab", name="Register").click()
        self.register("short")
        expect(self.alert()).to_contain_text("fewer than 15 characters")
        self.seen("register-refused")
        self.register(PASSWORD)
        expect(page.get_by_role("heading", name=f"Logged in as {self.name}")).to_be_visible()
        self.seen("logged-in")

        self.tab("Songs")
        page.locator("input[type=file]").set_input_files(
            {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"\xff\xd8\xff no picture"}
        )
        expect(self.alert()).to_contain_text("This picture cannot be used")
        self.seen("broken-picture")
        page.locator("input[type=file]").set_input_files(picture)
        expect(page.get_by_role("heading", name="Songs for this picture")).to_be_visible()
        expect(self.titles()).to_have_count(5)
        self.settle()
        best = self.titles().all_inner_texts()
        self.seen("results")

        page.get_by_role("button", name="Load more").click()
        expect(self.titles()).to_have_count(10)
        self.settle()
        ten = self.titles().all_inner_texts()
        assert ten[:5] == best, (ten, best)

        self.card(0).get_by_text("Why this song").click()
        radar = self.card(0).locator("img[src^='data:image/svg+xml']")
        expect(radar).to_be_visible()
        assert radar.evaluate("image => image.complete && image.naturalWidth > 0")
        radar.scroll_into_view_if_needed()
        self.seen("why-this-song")
        self.card(0).get_by_text("Why this song").click()

        # Far below the heading, which must be in sight afterwards.
        self.card(8).get_by_role("button", name="Find similar").click()
        expect(page.get_by_role("heading", name=f"Songs like {ten[8]}")).to_be_in_viewport()
        expect(self.titles()).to_have_count(5)
        assert ten[8] not in self.titles().all_inner_texts()
        self.card(0).get_by_text("Why this song").click()
        self.seen("similar")
        self.click_twice(page.get_by_role("button", name="Back"))
        expect(self.titles()).to_have_text(ten)

        page.get_by_role("textbox", name="Words").fill("a lonely night in the rain")
        page.get_by_role("textbox", name="Words").press("Enter")
        expect(self.titles()).not_to_have_text(best)
        expect(self.titles()).to_have_count(5)

        self.settle()
        page.get_by_text("Filters", exact=True).click()
        genres = page.get_by_role("combobox", name="Genres")
        genres.scroll_into_view_if_needed()
        page.wait_for_timeout(700)  # The list closes when the page scrolls, which it does while the filters unfold.
        genres.click()
        genres.press_sequentially("jazz", delay=50)
        page.get_by_role("option", name="jazz").click()
        genres.press("Tab")
        expect(self.songs_page().locator(".pp-facts")).to_have_text([re.compile("jazz")] * 5)
        self.seen("filters")

        self.settle()
        title = self.titles().first.inner_text()
        self.card(0).get_by_role("button", name="Favourite").click()
        expect(self.card(0).get_by_role("button", name="In favourites")).to_be_visible()
        self.tab("Favourites")
        kept = page.get_by_role("tabpanel", name="Favourites").locator(".pp-title")
        expect(kept).to_have_text([title])
        self.seen("favourites")

        self.tab("Account")
        self.click_twice(page.get_by_role("button", name="Log out", exact=True))
        expect(page.get_by_role("tab", name="Forgotten password")).to_be_visible()
        page.get_by_role("tab", name="Forgotten password").click()
        self.seen("logged-out")
        self.tab("Favourites")
        expect(kept).to_have_count(0)
        expect(page.get_by_text("Log in on the Account tab")).to_be_visible()
        self.seen("favourites-logged-out")

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.settle()

    def click_twice(self, button: Locator) -> None:
        """Clicks on a button, and on its place a moment later, when the first click is being answered."""
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(60)
        self.page.mouse.click(x, y)

    def settle(self) -> None:
        """Waits until the page no longer changes."""
        self.page.wait_for_timeout(150)
        expect(self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()

    def register(self, password: str) -> None:
        form = self.page.get_by_test_id("stForm").filter(has=self.page.get_by_role("button", name="Register"))
        form.get_by_label("Name").fill(self.name)
        form.get_by_label("Password", exact=True).fill(password)
        form.get_by_role("button", name="Register").click()

    def songs_page(self) -> Locator:
        return self.page.get_by_role("tabpanel", name="Songs")

    def titles(self) -> Locator:
        return self.songs_page().locator(".pp-title")

    def card(self, rank: int) -> Locator:
        return self.page.locator(f".st-key-card-hit-{rank}")

    def alert(self) -> Locator:
        return self.page.get_by_role("alert").filter(visible=True).last

    def seen(self, state: str) -> None:
        """Checks that nothing is wider than the window, and takes a screenshot."""
        page = self.page
        self.settle()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        for element in ("document.documentElement", "document.querySelector('[data-testid=stMain]')"):
            wide, room = page.evaluate(f"[{element}.scrollWidth, {element}.clientWidth]")
            assert wide <= room, f"{self.name}, {state}: {element} is {wide} px wide in {room}"
        if self.out is None:
            return
        self.shots += 1
        # Streamlit scrolls inside the page, which a full-page screenshot does not capture.
        height = page.evaluate("document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight")
        page.set_viewport_size({"width": self.width, "height": max(self.height, min(height, 4000))})
        page.wait_for_timeout(400)  # Wait for Streamlit's animations.
        page.screenshot(path=self.out / f"{self.name}-{self.shots:02}-{state}.png")
        page.set_viewport_size({"width": self.width, "height": self.height})


if __name__ == "__main__":
    sys.exit(main())
