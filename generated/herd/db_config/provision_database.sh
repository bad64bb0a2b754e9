#!/bin/bash
# Provisions a database machine's image with PostgreSQL, Patroni, etcd and pgherd's boot scripts.
# master_script.sh or slave_script.sh runs it as root. Running it again changes nothing.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR source=../machine/common.sh
. ./common.sh
# shellcheck source-path=SCRIPTDIR source=provision.env
. ./provision.env
readonly role=$1

wait_for_first_boot
stop_daily_apt
forbid_daemons

refresh_lists
upgrade_base
if [ "$PGDG" = yes ]; then add_pgdg "$CODENAME"; fi

# Keep Debian from making its default database cluster, `main`: Patroni makes the only one.
install -d -m 0755 /etc/postgresql-common
printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf

if [ -n "$LOCALES" ]; then
  say "making the locales $LOCALES"
  install_packages locales
  # The package makes the locales of this list again whenever it is upgraded.
  for locale in $LOCALES; do
    grep -qxF "$locale UTF-8" /etc/locale.gen || printf '%s UTF-8\n' "$locale" >>/etc/locale.gen
  done
  locale-gen >/dev/null
fi

say "installing PostgreSQL $POSTGRES_MAJOR, Patroni and etcd"
# Patroni talks to etcd with python3-etcd, but its package only suggests it.
packages=("postgresql-$POSTGRES_MAJOR" patroni etcd-server etcd-client)
install_packages --allow-change-held-packages "${packages[@]}" \
  ca-certificates chrony kmod nftables openssh-server openssl procps python3-boto3 python3-etcd python3-psycopg2 python3-yaml
# Clients send their time zone when they connect, on Java and Windows by its old name (Asia/Calcutta), and PostgreSQL rejects
# a client whose zone it does not have. Debian 12 has the old names in tzdata itself.
if apt-cache show tzdata-legacy >/dev/null 2>&1; then install_packages tzdata-legacy; fi
# An unattended upgrade would restart the database at any hour. New versions come with a new image, one machine at a time.
apt-mark -q hold "${packages[@]}" >/dev/null

# Debian would start PostgreSQL with this unit. Patroni starts it here.
systemctl -q disable postgresql.service
systemctl -q mask postgresql.service

install_machine_files "$role"
install_etcd_files
# Debian's package makes an empty data directory that nothing uses.
rm -rf /var/lib/etcd/default

say "installing Patroni's configuration"
put 0644 "$ETC" pg_hba.conf bootstrap.sql
put 0755 "$LIB" disk_report.py founding.py post_bootstrap.py reserve_space.sh server_certificate.sh wait_for_cluster.py yield_etcd_leader.py
put 0755 /usr/local/bin herdctl
install -D -m 0644 patroni.yml /etc/patroni/config.yml
install -D -m 0644 patroni_unit.conf "$UNITS/patroni.service.d/pgherd.conf"
put 0644 "$UNITS" pgherd-disk.socket pgherd-disk@.service pgherd-founded.service pgherd-yield.service pgherd-yield.timer pgherd-kernel.service \
  pgherd-silent-peers.service
put 0644 "$ETC" kernel.conf silent_peers.nft
systemctl -q enable patroni.service pgherd-disk.socket pgherd-founded.service pgherd-yield.timer pgherd-kernel.service pgherd-silent-peers.service
install -d -m 0700 -o postgres -g postgres "/var/lib/postgresql/$POSTGRES_MAJOR"

say "checking what is installed"
# Older versions overwrote a new leader's key when they came back after being cut off, and acknowledged rows were lost.
# 4.0.6 also ignores stale members of etcd.
at_least Patroni "$(patroni --version | sed -n 's/^patroni //p')" 4.0.6
at_least PostgreSQL "$("/usr/lib/postgresql/$POSTGRES_MAJOR/bin/postgres" --version | sed -n 's/.* \([0-9.]*\).*/\1/p')" "$POSTGRES_MAJOR"
nft --check --file "$ETC/silent_peers.nft" || fail "nftables rejects silent_peers.nft; see the error above"
# A machine gets its identity and passwords at boot; any will do here. Patroni also tries to reach the other machines, which
# do not exist yet. Each try would take minutes; without a network it fails at once.
# Patroni's check (up to 4.1.4) does not know `quorum`, which Patroni has had since 4.0.
problems=$(unshare --net env PATRONI_NAME=check PATRONI_RESTAPI_CONNECT_ADDRESS=192.0.2.1:8008 \
  PATRONI_POSTGRESQL_CONNECT_ADDRESS=192.0.2.1:5432 PATRONI_RESTAPI_PASSWORD=check PATRONI_SUPERUSER_PASSWORD=check \
  PATRONI_REPLICATION_PASSWORD=check PATRONI_REWIND_PASSWORD=check \
  patroni --validate-config --ignore-listen-port /etc/patroni/config.yml 2>&1 |
  grep -v -e 'is not reachable$' -e 'synchronous_mode quorum is not a boolean$' || true)
[ -z "$problems" ] || fail "patroni.yml is invalid: $problems"
# PostgreSQL of this very version reads all settings and reports those that it does not know or accept.
settings=$(mktemp -d)
python3 - /etc/patroni/config.yml >"$settings/postgresql.conf" <<'EOF'
import sys, yaml

with open(sys.argv[1], encoding="utf-8") as config_file:
    config = yaml.safe_load(config_file)
for parameters in config["bootstrap"]["dcs"]["postgresql"]["parameters"], config["postgresql"]["parameters"]:
    for name, value in parameters.items():
        text = str(value).replace("\\", "\\\\").replace("'", "''")
        print(f"{name} = '{text}'")
EOF
chown -R postgres "$settings"
runuser -u postgres -- "/usr/lib/postgresql/$POSTGRES_MAJOR/bin/postgres" -D "$settings" -C max_connections >/dev/null ||
  fail "PostgreSQL $POSTGRES_MAJOR rejects the settings; see the error above"
# The cluster is initialised with these options. A missing locale is found here.
mapfile -t options < <(python3 - /etc/patroni/config.yml <<'EOF'
import sys, yaml

with open(sys.argv[1], encoding="utf-8") as config_file:
    config = yaml.safe_load(config_file)
for option in config["bootstrap"]["initdb"]:
    for name, value in option.items() if isinstance(option, dict) else [(option, None)]:
        print(f"--{name}" if value is None else f"--{name}={value}")
EOF
)
runuser -u postgres -- "/usr/lib/postgresql/$POSTGRES_MAJOR/bin/initdb" -D "$settings/founding" --no-sync "${options[@]}" >/dev/null ||
  fail "initdb of PostgreSQL $POSTGRES_MAJOR fails with ${options[*]}"
rm -r "$settings/founding"
# So far no library was loaded and no connection opened. Now a primary and a standby run once with all settings, and every kind of
# client connects.
say "trying the settings"
/usr/bin/python3 ./try_settings.py "$settings" || fail "PostgreSQL $POSTGRES_MAJOR does not work with these settings; see the error above"
rm -r "$settings"

record_image "${packages[@]}"
clean_image
say "done"
