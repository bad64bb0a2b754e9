#!/bin/bash
# Makes a database machine's image: PostgreSQL, Patroni, etcd and pgherd's boot scripts.
# Run as root by master_script.sh or slave_script.sh; running it again changes nothing.
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

# Debian's default database cluster, `main`, must never exist: Patroni makes the only one.
install -d -m 0755 /etc/postgresql-common
printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf

if [ -n "$LOCALES" ]; then
  say "making the locales $LOCALES"
  install_packages locales
  # The package makes them anew from this list whenever it is upgraded.
  for locale in $LOCALES; do
    grep -qxF "$locale UTF-8" /etc/locale.gen || printf '%s UTF-8\n' "$locale" >>/etc/locale.gen
  done
  locale-gen >/dev/null
fi

say "installing PostgreSQL $POSTGRES_MAJOR, Patroni and etcd"
# python3-etcd is what Patroni speaks to etcd with; its package only suggests it among others.
packages=("postgresql-$POSTGRES_MAJOR" patroni etcd-server etcd-client)
install_packages --allow-change-held-packages "${packages[@]}" \
  ca-certificates chrony kmod openssh-server openssl procps python3-boto3 python3-etcd python3-psycopg2 python3-yaml
# Clients say their own time zone as they connect, Java's and Windows's by its old name (Asia/Calcutta), and PostgreSQL lets nobody in
# whose zone has no file. Debian 12 has the old names in tzdata itself.
if apt-cache show tzdata-legacy >/dev/null 2>&1; then install_packages tzdata-legacy; fi
# Unattended upgrades would restart the database at an hour of their own; a new image replaces machines one by one.
apt-mark -q hold "${packages[@]}" >/dev/null

# How Debian itself would start it; Patroni does that here.
systemctl -q disable postgresql.service
systemctl -q mask postgresql.service

install_machine_files "$role"
install_etcd_files
# Debian's package makes an empty data directory that nobody uses.
rm -rf /var/lib/etcd/default

say "installing Patroni's configuration"
put 0644 "$ETC" pg_hba.conf bootstrap.sql
put 0755 "$LIB" post_bootstrap.py server_certificate.sh wait_for_cluster.py yield_etcd_leader.py
put 0755 /usr/local/bin herdctl
install -D -m 0644 patroni.yml /etc/patroni/config.yml
install -D -m 0644 patroni_unit.conf "$UNITS/patroni.service.d/pgherd.conf"
put 0644 "$UNITS" pgherd-yield.service pgherd-yield.timer pgherd-kernel.service
put 0644 "$ETC" kernel.conf
systemctl -q enable patroni.service pgherd-yield.timer pgherd-kernel.service
install -d -m 0700 -o postgres -g postgres "/var/lib/postgresql/$POSTGRES_MAJOR"

say "checking what is installed"
# Older versions overwrote a new leader's key when they came back after being cut off, and acknowledged rows were lost.
# 4.0.6 also ignores stale members of etcd.
at_least Patroni "$(patroni --version | sed -n 's/^patroni //p')" 4.0.6
at_least PostgreSQL "$("/usr/lib/postgresql/$POSTGRES_MAJOR/bin/postgres" --version | sed -n 's/.* \([0-9.]*\).*/\1/p')" "$POSTGRES_MAJOR"
# The identity and the passwords that a machine has at boot; here any will do. Patroni also tries to
# reach the other machines, which are not there yet, and each try would last minutes: without a network it fails at once.
problems=$(unshare --net env PATRONI_NAME=check PATRONI_RESTAPI_CONNECT_ADDRESS=192.0.2.1:8008 \
  PATRONI_POSTGRESQL_CONNECT_ADDRESS=192.0.2.1:5432 PATRONI_RESTAPI_PASSWORD=check PATRONI_SUPERUSER_PASSWORD=check \
  PATRONI_REPLICATION_PASSWORD=check PATRONI_REWIND_PASSWORD=check \
  patroni --validate-config --ignore-listen-port /etc/patroni/config.yml 2>&1 | grep -v 'is not reachable$' || true)
[ -z "$problems" ] || fail "patroni.yml is not valid: $problems"
# PostgreSQL of this very version reads all settings and says which it does not know or cannot take.
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
  fail "PostgreSQL $POSTGRES_MAJOR does not take the settings"
# The cluster is founded with these options: a locale that is not there is found now.
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
  fail "PostgreSQL $POSTGRES_MAJOR cannot be founded with ${options[*]}"
rm -r "$settings/founding"
# That loads no library and opens no connection. So a primary and a standby run with all of them, once, and every kind of client
# connects.
say "trying the settings"
/usr/bin/python3 ./try_settings.py "$settings" || fail "PostgreSQL $POSTGRES_MAJOR does not work with the settings"
rm -r "$settings"

record_image "${packages[@]}"
clean_image
say "done"
