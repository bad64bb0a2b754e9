#!/usr/bin/python3
"""Runs a primary and a standby with the settings of patroni.yml, once, while the image is built: try_settings.py FOLDER

PostgreSQL may accept a value that still keeps sessions, a standby or Patroni from working, or that it reads only with TLS. So both
servers run as on the machines, with TLS and a temporary key, and with this pg_hba.conf, in which 127.0.0.1 replaces the other
machines. They listen on 127.0.0.1 only. Each kind of client connects to both, and Patroni's own queries run on both. Run it as root.
FOLDER belongs to the system user postgres; an empty database stays in its data/. A failure names the setting.
"""

import bisect
import contextlib
import os
import pathlib
import pwd
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time

import psycopg2
import yaml

HERE = pathlib.Path(__file__).resolve().parent
# For servers that live for a minute.
PASSWORD = secrets.token_hex()
# Seconds A server starts, copies its data or is promoted within seconds, even on a slow builder.
PATIENCE = 30
# Seconds Both servers run on the builder itself, so a connection that takes longer has failed.
CONNECT_TIMEOUT = 10
# Seconds The standby follows within milliseconds, and a trial that fails is repeated many times.
PAUSE = 100 / 1000
# The rows fill several pages, so that a temporary table is written and analyzed.
ROWS = 1000
# The end of a server's log says why it failed, and Packer's output stays readable.
LOG_LINES = 12
# An error names the setting that it is about, and rarely more. Each suspect costs a trial.
SUSPECTS = 3

# How Patroni 4.0.7 connects (postgresql/config.py, psycopg.py) and what it queries in every loop (postgresql/__init__.py:
# cluster_info_query), at a start (postgresql/config.py) and for its slots (postgresql/slots.py).
PATRONI = {
    "connect_timeout": 3,
    "options": "-c statement_timeout=2000 -c search_path=pg_catalog",
}
EVERY_LOOP = """SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN 0 ELSE ('x' ||
  pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32)::int END,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN 0 ELSE
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), '0/0')::bigint END,
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_replay_lsn(), '0/0')::bigint,
  pg_catalog.pg_wal_lsn_diff(COALESCE(pg_catalog.pg_last_wal_receive_lsn(), '0/0'), '0/0')::bigint,
  pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_is_wal_replay_paused(),
  0, CASE WHEN latest_end_lsn IS NULL THEN NULL ELSE received_tli END, slot_name, conninfo, status,
  pg_catalog.current_setting('restore_command'), (SELECT pg_catalog.json_agg(s.*) FROM (SELECT slot_name, slot_type as type,
  datoid::bigint, plugin, catalog_xmin, pg_catalog.pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint AS confirmed_flush_lsn,
  pg_catalog.pg_wal_lsn_diff(restart_lsn, '0/0')::bigint AS restart_lsn, xmin FROM pg_catalog.pg_get_replication_slots()) AS s),
  pg_catalog.current_setting('synchronous_commit'), pg_catalog.current_setting('synchronous_standby_names'),
  (SELECT pg_catalog.json_agg(r.*) FROM (SELECT w.pid as pid, application_name, sync_state,
  pg_catalog.pg_wal_lsn_diff(write_lsn, '0/0')::bigint AS write_lsn, pg_catalog.pg_wal_lsn_diff(flush_lsn, '0/0')::bigint AS flush_lsn,
  pg_catalog.pg_wal_lsn_diff(replay_lsn, '0/0')::bigint AS replay_lsn FROM pg_catalog.pg_stat_get_wal_senders() w,
  pg_catalog.pg_stat_get_activity(w.pid) WHERE w.state = 'streaming') r) FROM pg_catalog.pg_stat_get_wal_receiver()"""
QUERIES = [
    EVERY_LOOP,
    "SELECT pg_catalog.pg_is_in_recovery()",
    "SELECT pg_catalog.pg_postmaster_start_time()",
    "SELECT name, pg_catalog.current_setting(name), unit, vartype FROM pg_catalog.pg_settings WHERE NOT pending_restart",
    "SELECT slot_name, slot_type, pg_catalog.pg_wal_lsn_diff(restart_lsn, '0/0')::bigint FROM pg_catalog.pg_get_replication_slots()",
    "SET statement_timeout = 0",
    "CHECKPOINT",
]
# How post_bootstrap.py connects: Patroni's options (postgresql/bootstrap.py) and its own.
BOOTSTRAP = "-c synchronous_commit=local -c statement_timeout=0 -c statement_timeout=0 -c lock_timeout=0"
# What pg_rewind queries on the server that it copies from (libpq_source.c).
REWIND = [
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "SELECT pg_catalog.pg_is_in_recovery()",
    "SHOW full_page_writes",
]


class Failed(Exception):
    """Something does not work with the settings."""


def step(what, command, **keywords):
    """Runs a command and returns its output. Raises Failed with the output if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd="/", **keywords)
    except subprocess.TimeoutExpired:
        raise Failed(f"{what}: not done within {PATIENCE} s") from None
    if done.returncode:
        raise Failed(f"{what}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def clients(pg_hba):
    """Returns the database of each user that connects over the network, from the user's first line."""
    found = {}
    for words in map(str.split, pg_hba.splitlines()):
        if len(words) == 5 and words[0] == "hostssl":
            found.setdefault(words[2], words[1])
    return found


def free_ports():
    """Returns two ports that nothing listens on."""
    with socket.socket() as one, socket.socket() as other:
        for listener in one, other:
            listener.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


PRIMARY, STANDBY = free_ports()


class Trial:
    """A primary and its standby."""

    def __init__(self, folder, config):
        self.folder = folder
        self.bin = pathlib.Path(config["postgresql"]["bin_dir"])
        self.own = {name: str(value) for name, value in config["postgresql"]["parameters"].items()}
        # The default, except in PostgreSQL 13.
        self.own.update(hba_file=str(folder / "pg_hba.conf"), password_encryption="scram-sha-256")
        self.pg_hba = (HERE / "pg_hba.conf").read_text(encoding="utf-8")
        self.clients = clients(self.pg_hba)
        self.initdb = []
        for option in config["bootstrap"]["initdb"]:
            pairs = option.items() if isinstance(option, dict) else [(option, None)]
            self.initdb += [f"--{name}" if value is None else f"--{name}={value}" for name, value in pairs]
        self.replication = config["postgresql"]["authentication"]["replication"]["username"]
        self.rewind = config["postgresql"]["authentication"]["rewind"]["username"]

    def prepare(self):
        """Reads what only root can read, then makes a key and an empty database as postgres."""
        bootstrap = (HERE / "bootstrap.sql").read_text(encoding="utf-8")
        user = pwd.getpwnam("postgres")
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.environ.update(HOME=str(self.folder), PGPASSWORD=PASSWORD, PGCONNECT_TIMEOUT=str(CONNECT_TIMEOUT), LC_ALL="C.UTF-8")
        (self.folder / "bootstrap.sql").write_text(bootstrap, encoding="utf-8")
        here = re.sub(r"\d+\.\d+\.\d+\.\d+/\d+|samehost", "127.0.0.1/32", self.pg_hba)
        (self.folder / "pg_hba.conf").write_text(here, encoding="utf-8")
        key, certificate = self.folder / "server.key", self.folder / "server.crt"
        self.own.update(ssl_key_file=str(key), ssl_cert_file=str(certificate))
        # Like the key of server_certificate.sh.
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=trial"]
        step("the key", ["openssl", "req", "-x509", *kind, "-keyout", key, "-out", certificate])
        step("initdb", [self.bin / "initdb", "-D", self.folder / "data", "--no-sync", *self.initdb])

    def configure(self, data, port, settings, standby=""):
        """Writes the configuration that Patroni writes, without the machine's memory and archive."""
        lines = {**settings, **self.own, "listen_addresses": "127.0.0.1", "port": str(port)}
        lines.update(unix_socket_directories=str(self.folder), huge_pages="off", archive_mode="off", cluster_name="trial", hot_standby="on")
        lines.pop("shared_buffers", None)
        if standby:
            lines.update(primary_conninfo=standby, primary_slot_name="trial")
            (data / "standby.signal").touch()
        with (data / "postgresql.conf").open("w", encoding="utf-8") as conf:
            for name, value in lines.items():
                text = value.replace("\\", "\\\\").replace("'", "''")
                conf.write(f"{name} = '{text}'\n")

    @contextlib.contextmanager
    def server(self, name, data):
        """Starts a server, and stops it at the end."""
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        try:
            start = ["-w", "-s", "-t", str(PATIENCE), "-D", data, "-l", log, "start"]
            step(f"the {name} does not start", [self.bin / "pg_ctl", *start])
            yield
        except (Failed, psycopg2.Error) as failure:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-LOG_LINES:] if log.exists() else []
            raise Failed("\n  ".join([str(failure).strip(), *said])) from None
        finally:
            subprocess.run(
                [self.bin / "pg_ctl", "-w", "-s", "-m", "immediate", "-D", data, "stop"],
                capture_output=True,
                check=False,
                cwd="/",
            )

    def ask(self, who, queries, **connection):
        """Runs one query after the other, each in its own transaction, as Patroni does."""
        try:
            with contextlib.closing(psycopg2.connect(**connection)) as session:
                return self.queries(who, session, queries)
        except psycopg2.Error as error:
            raise Failed(f"{who}: {str(error).strip()}") from None

    @staticmethod
    def queries(who, session, queries):
        """Runs queries in a session and returns the result of the last one."""
        session.autocommit = True
        answer = None
        for query in queries:
            try:
                with session.cursor() as cursor:
                    cursor.execute(query)
                    answer = cursor.fetchall() if cursor.description else None
            except psycopg2.Error as error:
                raise Failed(f"{who}: {str(error).strip()}: {query.splitlines()[0]}") from None
        return answer

    def patroni(self, port):
        """Returns how Patroni connects: through the socket, as the superuser."""
        return {"host": str(self.folder), "port": port, "user": "postgres", "dbname": "postgres", **PATRONI}

    @staticmethod
    def network(port, **more):
        """Returns how everybody else connects: with TLS and SCRAM."""
        return {"host": "127.0.0.1", "port": port, "sslmode": "require", "connect_timeout": CONNECT_TIMEOUT, **more}

    def found(self):
        """Creates the roles and databases of a new primary, as post_bootstrap.py and Patroni do. pg_rewind's grants are left out."""
        socket = ["-h", self.folder, "-p", str(PRIMARY), "-U", "postgres", "postgres"]
        psql = ["psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *socket]
        step("post_bootstrap.py makes users and databases", [*psql, "-f", self.folder / "bootstrap.sql"], env={**os.environ, "PGOPTIONS": BOOTSTRAP})
        for name, right in (self.replication, "REPLICATION"), (self.rewind, ""):
            there = self.ask("Patroni", [f"SELECT 1 FROM pg_authid WHERE rolname = '{name}'"], **self.patroni(PRIMARY))
            verb = "ALTER" if there else "CREATE"
            role = f"{verb} ROLE \"{name}\" WITH LOGIN {right} PASSWORD '{PASSWORD}'"
            self.ask("Patroni makes its users", [role], **self.patroni(PRIMARY))
        slot = "SELECT pg_catalog.pg_create_physical_replication_slot('trial', true)"
        self.ask("Patroni makes its slots", [slot], **self.patroni(PRIMARY))
        for user in self.clients:
            if user.startswith("+"):
                sql = f'CREATE ROLE trial LOGIN IN ROLE "{user[1:]}"; CREATE DATABASE trial OWNER trial'
                self.ask("post_bootstrap.py makes users", sql.split("; "), **self.patroni(PRIMARY))
            if user not in (self.replication, self.rewind):
                name = "trial" if user.startswith("+") else user
                sql = f"ALTER ROLE \"{name}\" PASSWORD '{PASSWORD}'"
                self.ask("post_bootstrap.py sets passwords", [sql], **self.patroni(PRIMARY))

    def clients_of(self, which, port):
        """Each kind of client, as it connects to each server."""
        self.ask(f"Patroni on the {which}", QUERIES, **self.patroni(port))
        self.ask(f"pg_rewind from the {which}", REWIND, user=self.rewind, dbname="postgres", **self.network(port))
        dsn = " ".join(f"{name}='{value}'" for name, value in self.network(port).items())
        psql = ["psql", "--no-psqlrc", "--quiet", f"{dsn} user={self.replication} dbname=replication replication=true"]
        step(f"replication from the {which}", [*psql, "-c", "IDENTIFY_SYSTEM"])
        for user, database in self.clients.items():
            if user in (self.replication, self.rewind):
                continue
            name = "trial" if user.startswith("+") else user
            dbname = name if database in ("all", "sameuser") else database.split(",")[0]
            work = ["SELECT 1", "SELECT count(*) FROM pg_catalog.pg_class"]
            if which == "primary":
                work += ["CREATE TEMPORARY TABLE t (n int)", f"INSERT INTO t SELECT generate_series(1, {ROWS})", "ANALYZE t"]
            for bound in ["ssl_min_protocol_version", "ssl_max_protocol_version"] if self.tls_12 else ["ssl_min_protocol_version"]:
                who = f"an application on the {which} with {bound}=TLSv1.2"
                self.ask(who, work, user=name, dbname=dbname, **self.network(port, **{bound: "TLSv1.2"}))

    def run(self, settings):
        """Raises Failed if something does not work with these settings."""
        self.tls_12 = settings.get("ssl_min_protocol_version", "").lower() != "tlsv1.3"
        primary, standby = self.folder / "primary", self.folder / "standby"
        for data in primary, standby:
            shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(self.folder / "data", primary, symlinks=True)
        primary.chmod(0o700)
        self.configure(primary, PRIMARY, settings)
        with self.server("primary", primary):
            heartbeat = psycopg2.connect(**self.patroni(PRIMARY))
            with contextlib.closing(heartbeat):
                self.queries("Patroni on the primary", heartbeat, QUERIES)
                self.found()
                self.clients_of("primary", PRIMARY)
                source = {**self.network(PRIMARY), "user": self.replication}
                dsn = " ".join(f"{name}='{value}'" for name, value in source.items())
                copy = ["-D", standby, "-d", dsn, "-X", "stream", "-c", "fast", "--no-sync"]
                step("pg_basebackup", [self.bin / "pg_basebackup", *copy])
                self.configure(standby, STANDBY, settings, f"{dsn} application_name=trial")
                with self.server("standby", standby):
                    self.streams()
                    self.clients_of("standby", STANDBY)
                    # A connection that was idle meanwhile, as Patroni's is between two loops.
                    self.queries("Patroni's connection, after a while", heartbeat, [EVERY_LOOP])
                    promote = ["-w", "-s", "-t", str(PATIENCE), "-D", standby, "promote"]
                    step("the standby is promoted", [self.bin / "pg_ctl", *promote])
                    work = [*QUERIES, "CREATE TABLE public.t (n int)"]
                    self.ask("Patroni on the new primary", work, **self.patroni(STANDBY))

    def streams(self):
        """Waits until the standby is connected and has replayed what the primary wrote."""
        [[position]] = self.ask("Patroni on the primary", ["SELECT pg_catalog.pg_current_wal_lsn()"], **self.patroni(PRIMARY))
        follows = f"state = 'streaming' AND replay_lsn >= '{position}'"
        query = f"SELECT {follows} FROM pg_catalog.pg_stat_replication WHERE application_name = 'trial'"
        until = time.monotonic() + PATIENCE
        while self.ask("Patroni on the primary", [query], **self.patroni(PRIMARY)) != [(True,)]:
            if time.monotonic() > until:
                raise Failed(f"the standby does not follow the primary within {PATIENCE} s")
            time.sleep(PAUSE)


def culprit(trial, settings, failure):
    """Returns the setting that is to blame; None if nothing works even without settings."""
    names = list(settings)

    def works(tried):
        try:
            trial.run({name: settings[name] for name in tried})
        except Failed:
            return False
        return True

    # Most failures name the setting.
    for suspect in [name for name in names if name in str(failure)][:SUSPECTS]:
        if works([name for name in names if name != suspect]):
            return suspect
    if not works([]):
        return None
    # Find the first setting with which it fails when they are added one by one. All of them together are known to fail.
    return names[bisect.bisect_left(range(1, len(names)), True, key=lambda count: not works(names[:count]))]


def main(folder):
    """Tries all settings. If they do not work, finds the one that is to blame."""
    with (HERE / "patroni.yml").open(encoding="utf-8") as config_file:
        config = yaml.safe_load(config_file)
    settings = {name: str(value) for name, value in config["bootstrap"]["dcs"]["postgresql"]["parameters"].items()}
    trial = Trial(pathlib.Path(folder).resolve(), config)
    try:
        trial.prepare()
        trial.run(settings)
    except Failed as failure:
        name = culprit(trial, settings, failure) if os.getuid() else None
        blame = f"postgres.settings.{name} = {settings[name]!r}" if name else "not by any setting"
        sys.exit(f"the settings do not work ({blame}):\n  {failure}")


if __name__ == "__main__":
    main(sys.argv[1])
