# SPDX-License-Identifier: MIT
"""The page of a run in a real browser: it is shown whole, runs nothing and fetches nothing."""

from __future__ import annotations

import os
import re
import shutil
import socketserver
import subprocess
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ftorch_tools.testing.records.record import Outcome, TestResult

SCRIPT = "<script>document.title = 'taken'</script>"
FETCHES = "<img src='http://fetched.example/picture'>"


@pytest.fixture(scope="module")
def browser():
    """The path of Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip("no Chromium on PATH")
    return found


@pytest.fixture
def fetched():
    """The addresses that the browser asked for, over a proxy that answers nothing."""
    addresses = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self):
            addresses.append(self.path)
            self.send_error(404)

        def do_CONNECT(self):
            addresses.append(self.path)
            self.send_error(403)

        def log_message(self, *unused):
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], addresses
        server.shutdown()


def render(browser, file, port, folder, *options):
    """Return the page as the browser holds it once loaded."""
    command = [browser, "--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}", "--disable-background-networking"]
    command += ["--disable-component-update", "--disable-sync", "--disable-default-apps"]
    command += [f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")
    answer = subprocess.run(
        [*command, *options, file.as_uri()],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def from_pages(addresses):
    """Return what pages asked for: the browser itself asks its maker."""
    return [address for address in addresses if "google" not in address]


def test_the_page_in_a_browser(browser, fetched, runs, tmp_path):
    port, addresses = fetched
    failed = TestResult(f"bad{SCRIPT}{FETCHES}", "ctest", Outcome.FAILED, output="out.txt")
    failed.start, failed.seconds = 0.0, 2.0
    good = TestResult("good", "pytest", Outcome.PASSED, start=0.5, seconds=1.0)
    record = runs.add(failed, good, exit_code=1)
    (Path(record.directory) / "out.txt").write_bytes(
        f"</pre>{SCRIPT}{FETCHES}\n".encode() + bytes(range(256))
    )
    runs.command("report", "--format", "html", "--output", "report.html")
    page = runs.root / "report.html"
    dom = render(browser, page, port, tmp_path, "--dump-dom")
    assert "<script" not in dom
    assert f"<title>{record.id}: 1 failed of 2</title>" in dom
    assert "bad&lt;script&gt;" in dom
    assert "</section>" in dom[dom.index('id="origin"') :]
    assert len(re.findall(r'<rect class="bar failed"', dom)) == 2
    assert len(re.findall(r'<rect class="bar passed"', dom)) == 2
    assert from_pages(addresses) == []
    picture = tmp_path / "page.png"
    render(browser, page, port, tmp_path, f"--screenshot={picture}", "--window-size=1000,900")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000


def test_the_checks_see_a_script_and_a_fetch(browser, fetched, tmp_path):
    port, addresses = fetched
    page = tmp_path / "bad.html"
    page.write_text(f"<!doctype html><title>mine</title>{SCRIPT}{FETCHES}")
    dom = render(browser, page, port, tmp_path, "--dump-dom")
    assert "<title>taken</title>" in dom
    assert from_pages(addresses) == ["http://fetched.example/picture"]


def test_the_page_forbids_what_escapes(browser, fetched, runs, tmp_path):
    port, addresses = fetched
    runs.add(TestResult("marker", "ctest", Outcome.PASSED))
    text = runs.command("report", "--format", "html").stdout
    page = tmp_path / "unescaped.html"
    page.write_text(text.replace("marker", SCRIPT + FETCHES))
    dom = render(browser, page, port, tmp_path, "--dump-dom")
    assert "<script>" in dom
    assert "<title>taken" not in dom
    assert from_pages(addresses) == []
