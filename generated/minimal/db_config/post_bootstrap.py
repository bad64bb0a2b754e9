#!/usr/bin/python3
"""Runs once, when Patroni has founded the cluster: makes the blueprint's roles and databases and sets the passwords.

Called by Patroni with a connection string. Passwords are made here, go to Secrets Manager, and to the server as SCRAM-SHA-256
verifiers: they are in no argument list, no statement and no log, and no machine can read them again. Any failure makes Patroni
throw the new cluster away and try again, with passwords made anew.
"""

import base64
import hashlib
import hmac
import os
import secrets
import string
import subprocess
import sys

from read_secrets import connect, keep_trying, read_plan

SQL = "/etc/pgherd/bootstrap.sql"
# PostgreSQL's own default: the passwords are long and random, and every connection pays for it.
ITERATIONS = 4096


def verifier(password):
    """What PostgreSQL stores for a password (RFC 5803). The passwords are ASCII, which SASLprep leaves as it is."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encode = lambda data: base64.b64encode(data).decode()  # noqa: E731
    return f"SCRAM-SHA-256${ITERATIONS}:{encode(salt)}${encode(stored_key)}:{encode(server_key)}"


def make_password():
    """Letters and digits alone: it goes into connection strings."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(32))


def put_all(region, passwords):
    """Puts each password into its secret; raises what boto3 raises."""
    client = connect(region)
    for name, password in passwords.items():
        client.put_secret_value(SecretId=name, SecretString=password)


def main(connection):
    with open(SQL, encoding="utf-8") as sql_file:
        statements = [sql_file.read()]
    # Not even a verifier is kept by pg_stat_statements or written to the log.
    statements.append("SET pg_stat_statements.track_utility = off;\nSET log_min_duration_statement = -1;\n")
    plan = read_plan()
    # Put before they are set: nobody's password is one that nobody knows.
    passwords = {secret: make_password() for secret in plan.get("users", {}).values()}
    keep_trying(lambda: put_all(plan["region"], passwords))
    for user, secret in plan.get("users", {}).items():
        name = '"' + user.replace('"', '""') + '"'
        statements.append(f"ALTER ROLE {name} PASSWORD '{verifier(passwords[secret])}';\n")
    psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", connection]
    # However long it takes: the blueprint's time limits are for applications.
    environment = {**os.environ, "PGOPTIONS": "-c statement_timeout=0 -c lock_timeout=0"}
    return subprocess.run(psql, input="".join(statements), text=True, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
