"""Sends requests to moto side by side, as Terraform does when it destroys secrets: turns.py FIXES. Prints what failed.

Python switches between threads as often as it can here. Without turns, a request in 1,600 failed after it had done its work
("dictionary changed size during iteration"); in the lab, that was one in many runs.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time

CALLERS, ROUNDS = 16, 40
START = "import sys; sys.setswitchinterval(1e-6); from moto.server import main; main(sys.argv[1:])"
failed = []


def ask(port, action, **body):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/", json.dumps(body), {
        "X-Amz-Target": f"secretsmanager.{action}",
        "Content-Type": "application/x-amz-json-1.1",
        "Host": "secretsmanager.eu-west-1.amazonaws.com",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=x",
    })
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        failed.append(f"{action}: {answer.status} {text}")
        return {}
    return json.loads(text)


def call(port, caller):
    for turn in range(ROUNDS):
        name = f"secret-{caller}-{turn}"
        made = ask(port, "CreateSecret", Name=name, SecretString="x")
        label = {"SecretId": name, "VersionStage": "first"}
        ask(port, "UpdateSecretVersionStage", **label, MoveToVersionId=made.get("VersionId"))
        ask(port, "UpdateSecretVersionStage", **label, RemoveFromVersionId=made.get("VersionId"))
        ask(port, "DeleteSecret", SecretId=name, ForceDeleteWithoutRecovery=True)


def await_server(port):
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
    raise SystemExit("moto does not start")


def main():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = os.environ | {"PYTHONPATH": sys.argv[1], "PYTHONDONTWRITEBYTECODE": "1"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", START, "-p", str(port)], env=env, **quiet) as server:
        try:
            await_server(port)
            threads = [threading.Thread(target=call, args=(port, caller)) for caller in range(CALLERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            server.kill()
    print(f"{len(failed)} requests failed", *sorted(set(failed))[:3], sep="\n")


main()
