#!/usr/bin/python3
"""Creates the blueprint's roles and databases and sets the passwords, once, when Patroni has initialised the cluster.

Patroni calls it with a connection string. Passwords are made here. They go to Secrets Manager, and to the server as SCRAM-SHA-256
verifiers, so they are in no argument list, no statement and no log. No machine can read them again. After any failure Patroni
discards the new cluster and tries again with new passwords. That is why they are made last: a failure before that leaves no
versions in Secrets Manager.
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
# Keeps verifiers out of the log and out of pg_stat_statements, whatever the blueprint's settings log.
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
    """Returns what PostgreSQL stores for a password (RFC 5803). SASLprep leaves ASCII passwords unchanged."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    encode = lambda data: base64.b64encode(data).decode()  # noqa: E731
    return f"SCRAM-SHA-256${ITERATIONS}:{encode(salt)}${encode(stored_key)}:{encode(server_key)}"


def make_password():
    """Returns a new password of letters and digits, because it goes into connection strings."""
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(32))


def put(region, name, password):
    """Puts a password into its secret, and tries until that succeeds. With the token, all tries make one version."""
    token = str(uuid.uuid4())
    value = {"SecretId": name, "SecretString": password, "ClientRequestToken": token}
    keep_trying(lambda: connect(region).put_secret_value(**value))


def set_password(user, password):
    """Returns the statement that sets a password. It contains only the verifier."""
    name = '"' + user.replace('"', '""') + '"'
    return f"ALTER ROLE {name} PASSWORD '{verifier(password)}';\n"


def run(connection, statements):
    """Runs statements with psql and returns its exit code."""
    psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", connection]
    # Keep Patroni's options. The blueprint's time limits are for applications, not for this.
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
    # Store a password before it is set, so that nobody has a password that nobody knows.
    for user, secret in users.items():
        put(plan["region"], secret, passwords[user])
    return run(connection, UNSEEN + "".join(set_password(*each) for each in passwords.items()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
