# shellcheck shell=bash
# Functions that every provisioner uses: messages, packages, the files that all machines have, and cleaning the image.
# An image's *_script.sh sources it, in the folder with all of the image's files.

export DEBIAN_FRONTEND=noninteractive
# Otherwise Ubuntu's needrestart asks which services to restart.
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

# Installs files in a folder: put MODE FOLDER FILE...
put() {
  local mode=$1 folder=$2
  shift 2
  install -d -m 0755 "$folder"
  install -m "$mode" -t "$folder" "$@"
}

# dpkg does not sync each file: clean_image syncs them all, and a builder that dies earlier leaves no image.
# apt-get waits for dpkg's lock, but not for the lock of the package lists. refresh_lists waits for that one.
apt() {
  apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=5 \
    -o APT::Get::Always-Include-Phased-Updates=true -o Acquire::Languages=none \
    -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io "$@"
}

# Refreshes the package lists. It tries again while another apt holds their lock or a mirror fails.
refresh_lists() {
  local give_up=$((SECONDS + 300))
  say "refreshing the package lists"
  until apt update --error-on=any; do
    [ "$SECONDS" -lt "$give_up" ] || fail "cannot refresh the package lists: tried for 300 s"
    say "cannot refresh the package lists; trying again"
    sleep 5
  done
}

# Fetches and installs packages: fetch_packages VERB [OPTION]... [PACKAGE]...
# If a mirror has changed since, it lacks files that the lists name. Then the lists are refreshed.
fetch_packages() {
  local verb=$1 tries=0
  shift
  until apt "$verb" --no-install-recommends "$@"; do
    [ $((++tries)) -lt 3 ] || fail "cannot install the packages: 3 tries failed"
    say "cannot install the packages; trying again with new lists"
    refresh_lists
  done
}

# Installs packages: install_packages [OPTION]... PACKAGE...
install_packages() { fetch_packages install "$@"; }

# Upgrades the base. A cluster's machines have no way to the internet, so a fix that is missing here waits for the next image.
# A new kernel needs no reboot, because machines boot from the image.
upgrade_base() {
  say "upgrading the base"
  fetch_packages full-upgrade
}

# Stops the timers that run apt on a fresh machine and hold its locks for minutes. They stay off in the image: a cluster's
# machines have no way to the internet, all must run the same versions, and new versions come with a new image.
stop_daily_apt() {
  say "stopping apt's timers"
  # Refreshing lists can be interrupted at any time. Installing packages cannot, so wait for that.
  systemctl -q stop apt-daily.timer apt-daily-upgrade.timer apt-daily.service || true
  systemctl -q mask apt-daily.timer apt-daily-upgrade.timer
  while [ "$(systemctl show --property=ActiveState --value apt-daily-upgrade.service)" = activating ]; do
    say "waiting for unattended upgrades"
    sleep 5
  done
}

# Waits until the machine has finished its first boot: cloud-init may still run apt.
wait_for_first_boot() {
  if command -v cloud-init >/dev/null; then
    say "waiting for cloud-init"
    # Exit code 2 means done, with warnings.
    cloud-init status --wait >/dev/null || [ $? -eq 2 ] || fail "cloud-init failed; see cloud-init status --long"
  fi
}

# Keeps daemons from starting while the image is built: they would leave data, keys and logs in it.
forbid_daemons() {
  trap allow_daemons EXIT
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 0755 /usr/sbin/policy-rc.d
}
allow_daemons() { rm -f /usr/sbin/policy-rc.d; }

# Adds PGDG's repository, verified by the key in the distribution's own postgresql-common.
add_pgdg() {
  local codename=$1 key='' candidate
  say "adding the PGDG repository for $codename"
  install_packages ca-certificates postgresql-common
  for candidate in /usr/share/postgresql-common/pgdg/apt.postgresql.org.{gpg,asc}; do
    if [ -s "$candidate" ]; then key=$candidate; fi
  done
  [ -n "$key" ] || fail "this release's postgresql-common has no PGDG key"
  printf '%s\n' 'Types: deb' 'URIs: https://apt.postgresql.org/pub/repos/apt' "Suites: $codename-pgdg" \
    'Components: main' "Signed-By: $key" >/etc/apt/sources.list.d/pgdg.sources
  refresh_lists
}

# Fails unless a version is new enough: at_least WHAT FOUND WANTED
at_least() {
  dpkg --compare-versions "${2:-0}" ge "$3" || fail "$1 is ${2:-not installed}; $3 or newer is required"
  say "$1 $2 (at least $3 is required)"
}

# Installs the files that all machines have: the table of machines, and how to read their passwords.
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
  # machines.tsv and hosts set the host names. cloud-init would rewrite /etc/hosts at each boot.
  if [ -d /etc/cloud/cloud.cfg.d ]; then
    printf 'preserve_hostname: true\nmanage_etc_hosts: false\n' >/etc/cloud/cloud.cfg.d/90_pgherd.cfg
  fi
}

# Installs the files of an etcd member. etcd runs only where machines.tsv says so.
install_etcd_files() {
  put 0644 "$ETC" etcd.env
  put 0644 "$LIB" etcd_api.py
  put 0755 "$LIB" etcd_join.py leave_etcd.py
  install -D -m 0644 etcd_network.conf /etc/sysctl.d/pgherd.conf
  install -D -m 0644 etcd_unit.conf "$UNITS/etcd.service.d/pgherd.conf"
  systemctl -q enable etcd.service
  at_least etcd "$(etcd --version | sed -n 's/^etcd Version: //p')" 3.4
}

# Records what the image is made of: record_image PACKAGE...
# The image gets the date, the kernel and every package. The named packages are also printed, and `pgherd run` tags the image with them.
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

# Removes all traces of the builder from the image: caches, keys, identities, histories, logs.
clean_image() {
  say "cleaning the image"
  apt clean
  rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old
  allow_daemons
  if command -v cloud-init >/dev/null; then cloud-init clean --logs; fi
  rm -f /etc/ssh/ssh_host_*
  rm -f /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys
  rm -f /root/.*_history /home/*/.*_history /root/.wget-hsts /home/*/.wget-hsts
  # The key of ssl-cert's self-signed certificate must not be the same on all machines.
  rm -f /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
  find /etc/ssl/certs -xtype l -delete
  # An empty machine id is filled at the next boot. A missing one would count as a first boot and enable services again.
  : >/etc/machine-id
  rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
  # Until the next boot the journal stays in memory. Otherwise the builder's own shutdown would be in the image.
  if systemctl -q is-active systemd-journald.service; then journalctl --relinquish-var; fi
  rm -rf /var/log/journal/* /var/tmp/*
  find /var/log -type f -delete
  # Packer uploads to /tmp/pgherd. Anywhere else the files are the user's own.
  if [ "$PWD" = /tmp/pgherd ]; then rm -rf /tmp/pgherd; fi
  sync
}
