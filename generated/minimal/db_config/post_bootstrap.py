#!/usr/bin/python3
"""Runs once, when Patroni has founded the cluster: makes the blueprint's roles and databases and sets the passwords.

Called by Patroni with a connection string. Passwords are made here, go to Secrets Manager, and to the server as SCRAM-SHA-256
verifiers: they are in no argument list, no statement and no log, and no machine can read them again. Any failure makes Patroni
throw the new cluster away and try again, with passwords made anew. So they are made last: what fails before leaves no versions in
Secrets Manager.
"""

import base64
import hashlib
import hmac
import os
import secrets
import string
import subprocess
import sys
import uuid

from read_secrets import connect, keep_trying, read_plan

SQL = "/etc/pgherd/bootstrap.sql"
# Not even a verifier is written to the log, whatever the blueprint has logged, or kept by pg_stat_statements.
UNSEEN = """SET log_statement = none;
SET log_min_error_statement = panic;
SET log_min_duration_statement = -1;
SET log_min_duration_sample = -1;
SET log_transaction_sample_rate = 0;
SET pg_stat_statements.track_utility = off;
"""
# PostgreSQL's own default. The passwords are long and random, and every connection pays for more iterations.
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


def put(region, name, password):
    """Puts a password into its secret, however often that takes: the token makes all tries one version."""
    token = str(uuid.uuid4())
    value = {"SecretId": name, "SecretString": password, "ClientRequestToken": token}
    keep_trying(lambda: connect(region).put_secret_value(**value))


def set_password(user, password):
    """The statement; it has the verifier alone."""
    name = '"' + user.replace('"', '""') + '"'
    return f"ALTER ROLE {name} PASSWORD '{verifier(password)}';\n"


def run(connection, statements):
    """psql's exit status."""
    psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", connection]
    # Beside Patroni's own. However long it takes: the blueprint's time limits are for applications.
    options = os.environ.get("PGOPTIONS", "") + " -c statement_timeout=0 -c lock_timeout=0"
    environment = {**os.environ, "PGOPTIONS": options.strip()}
    return subprocess.run(psql, input=statements, text=True, env=environment, check=False).returncode


def main(connection):
    with open(SQL, encoding="utf-8") as sql_file:
        failed = run(connection, sql_file.read())
    plan = read_plan()
    users = plan.get("users", {})
    if failed or not users:
        return failed
    passwords = {user: make_password() for user in users}
    # Put before they are set: nobody's password is one that nobody knows.
    for user, secret in users.items():
        put(plan["region"], secret, passwords[user])
    return run(connection, UNSEEN + "".join(set_password(*each) for each in passwords.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
