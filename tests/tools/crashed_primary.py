"""Runs the real HAProxy with a generated haproxy.cfg, before Patronis that only pretend. For a network namespace of its own: the addresses
are real.

Usage: crashed_primary.py HAPROXY_CFG SERVERS_STATE ADDRESS..., the primary's address first. PostgreSQL is gone there, as after a crash, and
Patroni keeps the primary's role. Prints how long reads stopped at most until five seconds after the crash, and how long a client then waits
at the write port until it is refused.
"""

import http.server
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

config, state, *ADDRESSES = sys.argv[1:]
PRIMARY = ADDRESSES[0]
READ_PORT, WRITE_PORT = (
    int(re.search(rf"^listen {name}\n(?: +#.*\n)* +bind :(\d+)", pathlib.Path(config).read_text(), re.M).group(1))
    for name in ("read", "write")
)
crashed = threading.Event()


class Patroni(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        is_primary = self.server.server_address[0] == PRIMARY
        path = self.path.split("?")[0]
        is_standby = not is_primary
        status = {"/primary": is_primary, "/replica": is_standby, "/quorum": is_standby, "/read-only": True, "/liveness": True}[path]
        running = "unknown" if is_primary and crashed.is_set() else "running"
        following = ', "replication_state": "streaming"' if not is_primary and not crashed.is_set() else ""
        role = "primary" if is_primary else "replica"
        text = f'{{"state": "{running}", "role": "{role}"{following}}}'.encode()
        self.send_response(200 if status else 503)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(text)

    do_OPTIONS = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """HAProxy resets a check's connection once it has seen enough."""


def standby(address):
    """Serves reads: whoever connects gets the address."""
    with socket.create_server((address, 5432)) as server:
        while True:
            client, _ = server.accept()
            with client:
                client.sendall(address.encode())


def read():
    """Returns who served a read, or nothing."""
    try:
        with socket.create_connection(("127.0.0.1", READ_PORT), timeout=2) as client:
            return client.recv(64).decode()
    except OSError:
        return ""


def refused():
    """Returns how long a client waits at the write port."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", WRITE_PORT), timeout=5) as client:
        client.recv(1)
    return time.monotonic() - began


for address in ADDRESSES:
    threading.Thread(target=Server((address, 8008), Patroni).serve_forever, daemon=True).start()
for address in ADDRESSES[1:]:
    threading.Thread(target=standby, args=(address,), daemon=True).start()

with tempfile.TemporaryDirectory() as folder:
    # Where HAProxy confines itself, and its socket, belong to the machine.
    kept = [line for line in pathlib.Path(config).read_text().splitlines() if line.split()[:1] not in (["chroot"], ["user"], ["group"])]
    text = "\n".join(line for line in kept if "stats socket" not in line) + "\n"
    here = pathlib.Path(folder, "haproxy.cfg")
    here.write_text(text.replace("/etc/haproxy/servers.state", state))
    environment = {**os.environ, "STATS_PASSWORD": "unused"}
    with open(f"{folder}/log", "w+") as log:
        haproxy = subprocess.Popen(["haproxy", "-db", "-f", here], env=environment, stdout=log, stderr=log)
        try:
            started = time.monotonic()
            while not read():
                if time.monotonic() > started + 30:
                    log.seek(0)
                    sys.exit(f"no reads: {log.read()}")
            # Until the primary would serve reads if no standby did: `fallback` wants several checks.
            time.sleep(4)
            last = began = time.monotonic()
            crashed.set()
            longest = 0.0
            while last < began + 5:
                served, now = read(), time.monotonic()
                if served:
                    longest, last = max(longest, now - last), now
                elif now > began + 30:
                    longest = now - last
                    break
                time.sleep(0.02)
            waited = refused()
        finally:
            haproxy.kill()
            haproxy.wait()
print("reads went on" if longest < 2 else f"reads stopped for {longest:.1f} s")
print("writes are refused at once" if waited < 0.2 else f"a client waits {waited:.1f} s for a primary that is gone")
