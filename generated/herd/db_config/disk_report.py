#!/usr/bin/python3
"""Answers one HTTP request with how full the disk of PostgreSQL's data is, and what keeps WAL there.

systemd starts it for each connection, which is its standard input. It takes `GET /disk` and nothing else, and it only reads.
"""

import glob
import http.server
import json
import os
import socket
import sys

import psycopg2

VOLUME = "/var/lib/postgresql"
# One folder matches: a machine has one major version.
WAL = VOLUME + "/*/main/pg_wal"
RESERVE = VOLUME + "/reserve"
# A slot keeps the WAL from its restart_lsn on. One that is `lost` has none.
SLOTS = """
SELECT slot_name, active, wal_status, GREATEST(0, COALESCE(pg_wal_lsn_diff(
  CASE WHEN pg_is_in_recovery() THEN COALESCE(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END,
  restart_lsn), 0))::bigint
FROM pg_replication_slots ORDER BY slot_name"""
# -1 means that there is no limit.
LIMIT = "SELECT pg_size_bytes(NULLIF(current_setting('max_slot_wal_keep_size'), '-1'))"


def size(folder):
    """Returns the bytes of the files in a folder. PostgreSQL may remove one meanwhile."""
    total = 0
    for entry in os.scandir(folder):
        try:
            total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            pass
    return total


def slots():
    """Returns the slots and the bytes of WAL that each may keep, or None for both if PostgreSQL does not say."""
    try:
        connection = psycopg2.connect(
            host="/run/postgresql",
            dbname="postgres",
            connect_timeout=2,
            options="-c statement_timeout=1000 -c default_transaction_read_only=on",
        )
        try:
            with connection.cursor() as cursor:
                cursor.execute(SLOTS)
                names = ("name", "active", "wal_status", "retained")
                found = [dict(zip(names, row)) for row in cursor.fetchall()]
                cursor.execute(LIMIT)
                (limit,) = cursor.fetchone()
        finally:
            connection.close()
    except psycopg2.Error as error:
        print(f"PostgreSQL does not list its slots: {str(error).strip()}", file=sys.stderr, flush=True)
        return None, None
    return found, limit


def report():
    """Returns what the disk has."""
    volume = os.statvfs(VOLUME)
    found, limit = slots()
    return {
        # What PostgreSQL can use: the file system keeps some blocks for root.
        "free": volume.f_bavail * volume.f_frsize,
        "size": volume.f_blocks * volume.f_frsize,
        "wal": sum(map(size, glob.glob(WAL))),
        "reserve": os.stat(RESERVE).st_size if os.path.exists(RESERVE) else 0,
        "slots": found,
        "slot_limit": limit,
    }


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers the request. Any method but GET gets the status that the class has for what it does not know."""

    def do_GET(self):
        if self.path != "/disk":
            self.send_error(http.HTTPStatus.NOT_FOUND)
            return
        body = json.dumps(report()).encode()
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    with socket.socket(fileno=sys.stdin.fileno()) as connection:
        Answer(connection, connection.getpeername(), None)


if __name__ == "__main__":
    main()
