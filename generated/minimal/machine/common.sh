# shellcheck shell=bash
# What every provisioner shares: talking, packages, the files all machines carry, and leaving a clean image.
# Sourced by the *_script.sh of an image, from the folder that holds all of the image's files.

export DEBIAN_FRONTEND=noninteractive
# Ubuntu's needrestart would otherwise ask which services to restart.
export NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
export LC_ALL=C.UTF-8
unset HISTFILE
umask 022

readonly LIB=/usr/local/lib/pgherd
readonly ETC=/etc/pgherd
readonly UNITS=/etc/systemd/system

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
fail() {
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Puts files into a folder: put MODE FOLDER FILE...
put() {
  local mode=$1 folder=$2
  shift 2
  install -d -m 0755 "$folder"
  install -m "$mode" -t "$folder" "$@"
}

# No file is synced by itself: clean_image syncs them all, and a builder that dies before leaves no image.
# apt-get waits for dpkg's lock, but not for that of the package lists: refresh_lists does.
apt() {
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 \
    -o APT::Get::Always-Include-Phased-Updates=true -o Acquire::Languages=none \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io "$@"
}

# Refreshes the package lists. Another apt may hold their lock, and a mirror may fail for a moment: both pass.
refresh_lists() {
  local give_up=$((SECONDS + 300))
  say "refreshing the package lists"
  until apt update --error-on=any; do
    [ "$SECONDS" -lt "$give_up" ] || fail "the package lists could not be refreshed for 300 s"
    say "the package lists could not be refreshed; trying again"
    sleep 5
  done
}

# Fetches and installs packages: fetch_packages VERB [OPTION]... [PACKAGE]...
# A mirror that changed since the lists were read lacks the files that they name: they are then read anew.
fetch_packages() {
  local verb=$1 tries=0
  shift
  until apt "$verb" --no-install-recommends "$@"; do
    [ $((++tries)) -lt 3 ] || fail "the packages could not be installed in 3 tries"
    say "the packages could not be installed; trying again with new lists"
    refresh_lists
  done
}

# Installs packages: install_packages [OPTION]... PACKAGE...
install_packages() { fetch_packages install "$@"; }

# Brings the base up to date. A cluster's machines have no way out: what is not mended here waits for the next image.
# A new kernel needs no reboot, as machines boot from the image.
upgrade_base() {
  say "bringing the base up to date"
  fetch_packages full-upgrade
}

# A fresh machine's timers run apt, which holds its locks for minutes. They stay off in the image: a cluster's machines
# have no way out, all must run the same versions, and a new image is what brings new ones.
stop_daily_apt() {
  say "stopping apt's timers"
  # Refreshing lists may be broken off at any time; installing packages may not, and is waited for.
  systemctl -q stop apt-daily.timer apt-daily-upgrade.timer apt-daily.service || true
  systemctl -q mask apt-daily.timer apt-daily-upgrade.timer
  while [ "$(systemctl show --property=ActiveState --value apt-daily-upgrade.service)" = activating ]; do
    say "waiting for unattended upgrades"
    sleep 5
  done
}

# Waits until the machine has finished its own first boot: cloud-init may still be at apt.
wait_for_first_boot() {
  if command -v cloud-init >/dev/null; then
    say "waiting for cloud-init"
    # 2 means that it is done, with something to complain about.
    cloud-init status --wait >/dev/null || [ $? -eq 2 ] || fail "cloud-init failed: cloud-init status --long"
  fi
}

# No daemon may start while the image is made: it would leave data, keys and logs in it.
forbid_daemons() {
  trap allow_daemons EXIT
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
}
allow_daemons() { rm -f /usr/sbin/policy-rc.d; }

# PGDG's repository, verified by the key that the distribution itself ships in postgresql-common.
add_pgdg() {
  local codename=$1 key='' candidate
  say "adding the PGDG repository for $codename"
  install_packages ca-certificates postgresql-common
  for candidate in /usr/share/postgresql-common/pgdg/apt.postgresql.org.{gpg,asc}; do
    if [ -s "$candidate" ]; then key=$candidate; fi
  done
  [ -n "$key" ] || fail "this release's postgresql-common ships no PGDG key"
  printf '%s\n' 'Types: deb' 'URIs: https://apt.postgresql.org/pub/repos/apt' "Suites: $codename-pgdg" \
    'Components: main' "Signed-By: $key" >/etc/apt/sources.list.d/pgdg.sources
  refresh_lists
}

# at_least WHAT FOUND WANTED
at_least() {
  dpkg --compare-versions "${2:-0}" ge "$3" || fail "$1 is ${2:-not there}; it must be $3 or newer"
  say "$1 $2 (needs $3)"
}

# What all machines carry: who is who, and how to read their passwords.
install_machine_files() {
  local image_role=$1
  say "installing pgherd's own files for a $image_role"
  put 0644 "$ETC" machines.tsv hosts secrets.json
  printf '%s\n' "$image_role" >"$ETC/role"
  put 0755 "$LIB" identity.sh read_secrets.py
  put 0644 /etc/chrony/sources.d amazon_time.sources
  install -D -m 0644 journald.conf /etc/systemd/journald.conf.d/pgherd.conf
  put 0644 "$UNITS" pgherd-host-keys.service pgherd-identity.service pgherd-secrets.service
  systemctl -q enable pgherd-host-keys.service pgherd-identity.service pgherd-secrets.service
  # Host names are ours (machines.tsv, hosts), not cloud-init's, which would write /etc/hosts anew at each boot.
  if [ -d /etc/cloud/cloud.cfg.d ]; then
    printf 'preserve_hostname: true\nmanage_etc_hosts: false\n' >/etc/cloud/cloud.cfg.d/90_pgherd.cfg
  fi
}

# A member of etcd. The package is installed; it runs only where machines.tsv says so.
install_etcd_files() {
  put 0644 "$ETC" etcd.env
  put 0644 "$LIB" etcd_api.py
  put 0755 "$LIB" etcd_join.py
  install -D -m 0644 etcd_unit.conf "$UNITS/etcd.service.d/pgherd.conf"
  systemctl -q enable etcd.service
  at_least etcd "$(etcd --version | sed -n 's/^etcd Version: //p')" 3.4
}

# Writes down what the image is made of: record_image PACKAGE...
# In the image stand the day, the kernel and every package; the named packages are told, too, and `pgherd run` tags the image.
record_image() {
  local kernel versions
  kernel=$(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -V | tail -n 1) || true
  versions="$(dpkg-query -W -f '${Package}=${Version} ' "$@")kernel=${kernel:-none}"
  {
    printf 'built=%s\nkernel=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${kernel:-none}"
    dpkg-query -W -f '${Package}=${Version}\n'
  } >"$ETC/image"
  say "versions: $versions"
}

# Nothing of the builder may live on in the image: caches, keys, identities, histories, logs.
clean_image() {
  say "cleaning the image"
  apt clean
  rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old
  allow_daemons
  if command -v cloud-init >/dev/null; then cloud-init clean --logs; fi
  rm -f /etc/ssh/ssh_host_*
  rm -f /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
  rm -f /root/.*_history /home/*/.*_history /root/.wget-hsts /home/*/.wget-hsts
  # The key of ssl-cert's self-signed certificate would be the same on all machines.
  rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
  find /etc/ssl/certs -xtype l -delete
  # An empty machine id is filled at the next boot; a missing one would count as a first boot and enable services anew.
  : >/etc/machine-id
  rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
  # Until the next boot the journal stays in memory; else the builder's own shutdown would be in the image.
  if systemctl -q is-active systemd-journald.service; then journalctl --relinquish-var; fi
  rm -rf /var/log/journal/* /var/tmp/*
  find /var/log -type f -delete
  # Packer uploads to /tmp/pgherd; anywhere else the files are the user's own.
  if [ "$PWD" = /tmp/pgherd ]; then rm -rf /tmp/pgherd; fi
  sync
}
