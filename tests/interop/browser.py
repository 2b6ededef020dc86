#!/usr/bin/env python3
"""A browser as a peer of `floe connect --json`: it has the options of lines.h, and speaks the same lines.

    browser.py chromium|firefox OPTION…

browser.html does the work. Its host candidates are addresses, not names. Packets to it are counted: it says
{"event":"received","bytes":N}.
"""
import argparse
import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.parse

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser.html")
CHROMIUM = ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-features=WebRtcHideLocalIpsWithMdns"]
FIREFOX = ["firefox-esr", "--headless", "--no-remote", "--new-instance"]
# No names for addresses, every address; the page alone, and nothing from elsewhere.
FIREFOX_PREFERENCES = {
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.peerconnection.ice.default_address_only": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "services.settings.server": "data:,",
    "dom.min_background_timeout_value": 4,
    "dom.ipc.processCount": 1,
    "fission.autostart": False,
}

heard = queue.Queue()
output = threading.Lock()


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("browser", choices=["chromium", "firefox"])
    parser.add_argument("--role", choices=["controlling", "controlled"], default="controlled")
    parser.add_argument("-s", "--server", action="append", default=[])
    parser.add_argument("-u", "--username")
    parser.add_argument("-c", "--credential")
    parser.add_argument("--policy", choices=["all", "relay"], default="all")
    parser.add_argument("--network-types")
    parser.add_argument("--no-trickle", action="store_true")
    parser.add_argument("--echo", action="store_true")
    return parser.parse_args()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/hear"):
            lines = []
            try:
                lines.append(heard.get(timeout=20))
                while True:
                    lines.append(heard.get_nowait())
            except queue.Empty:
                pass
            self.answer(json.dumps(lines).encode(), "application/json")
        elif self.path.startswith("/page"):
            with open(PAGE, "rb") as page:
                self.answer(page.read(), "text/html")
        else:
            self.answer(b"", "text/plain")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with output:
            print(body.decode(), flush=True)
        self.answer(b"", "text/plain")


def page_of(chosen, port):
    servers = [{"urls": url, **({"username": chosen.username, "credential": chosen.credential}
                                if url.startswith("turn") else {})} for url in chosen.server]
    return f"http://127.0.0.1:{port}/page?" + urllib.parse.urlencode(
        {"role": chosen.role, "policy": chosen.policy, "servers": json.dumps(servers)})


def command(chosen, folder, page):
    if chosen.browser == "chromium":
        return CHROMIUM + [f"--user-data-dir={folder}", "--remote-debugging-port=0", page]
    with open(os.path.join(folder, "user.js"), "w") as preferences:
        for name, value in FIREFOX_PREFERENCES.items():
            preferences.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
    return FIREFOX + ["--profile", folder, page]


def main():
    chosen = options()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.mkdtemp(prefix="interop-")
    log = open(os.path.join(folder, "log"), "wb")
    browser = subprocess.Popen(command(chosen, folder, page_of(chosen, server.server_port)), stdin=subprocess.DEVNULL,
                               stdout=log, stderr=log, start_new_session=True,
                               env={**os.environ, "HOME": folder, "MOZ_CRASHREPORTER_DISABLE": "1"})
    for line in sys.stdin:
        try:
            heard.put(json.loads(line))
        except json.JSONDecodeError:
            pass
    os.killpg(browser.pid, signal.SIGKILL)
    browser.wait()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


main()
