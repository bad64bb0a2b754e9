"""Runs a machine's etcd scripts against members and Patronis that only pretend. For a network namespace of its own: the ports are real.

Usage: etcd.py FOLDER, with the generated scripts. Prints what the scripts did, one line for each case.
"""

import http.server
import json
import os
import subprocess
import sys
import threading

FOLDER = sys.argv[1]
# Member N is at 127.0.0.N, and the scripts run beside member 1.
leaders = {}  # which leader a member reports
primary = None  # the member beside PostgreSQL's primary
asked = []  # the members that leadership was given to


class Member(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        me = int(self.server.server_address[0].rsplit(".", 1)[1])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v3/maintenance/status":
            self.reply({"header": {"member_id": str(me)}, "leader": leaders[me]})
        elif self.path == "/v3/cluster/member/list":
            members = [{"ID": str(n), "name": f"m{n}", "clientURLs": [f"http://127.0.0.{n}:2379"]} for n in leaders]
            self.reply({"members": members})
        elif self.path == "/v3/maintenance/transfer-leadership":
            asked.append(body["targetID"])
            self.reply({})

    def do_GET(self):
        me = int(self.server.server_address[0].rsplit(".", 1)[1])
        if self.path == "/health":
            self.reply({"health": "true"})
        elif self.path == "/primary":
            self.reply({}, 200 if me == primary else 503)

    def reply(self, value, status=200):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def run(script):
    environment = {**os.environ, "PYTHONPATH": FOLDER, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(["python3", f"{FOLDER}/{script}"], env=environment, stdout=subprocess.DEVNULL, check=True, timeout=30)


for n in (1, 2, 3):
    for port in (2379, 8008):
        server = http.server.ThreadingHTTPServer((f"127.0.0.{n}", port), Member)
        threading.Thread(target=server.serve_forever, daemon=True).start()

leaders.update({1: "1", 2: "1", 3: "1"})
for primary in (2, 3):
    run("leave_etcd.py")
    print(f"the primary is beside m{primary}: leadership moves to m{asked.pop()}")
leaders.update({1: "2", 2: "2", 3: "2"})
run("leave_etcd.py")
print(f"another member leads: {len(asked)} moves")
