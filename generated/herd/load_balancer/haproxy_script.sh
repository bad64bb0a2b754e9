#!/bin/bash
# Provisions HAProxy's image. Run it as root. Running it again changes nothing.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source-path=SCRIPTDIR source=../machine/common.sh
. ./common.sh

wait_for_first_boot
stop_daily_apt
forbid_daemons

refresh_lists
upgrade_base
packages=(haproxy)
# With two databases, etcd's third member runs here, and etcd.env is among the files.
if [ -e etcd.env ]; then packages+=(etcd-server etcd-client); fi
say "installing ${packages[*]}"
install_packages --allow-change-held-packages "${packages[@]}" \
  ca-certificates chrony openssh-server python3-boto3
# An unattended upgrade would cut every connection at any hour. New versions come with a new image.
apt-mark -q hold "${packages[@]}" >/dev/null

install_machine_files haproxy
if [ -e etcd.env ]; then
  install_etcd_files
  rm -rf /var/lib/etcd/default
fi

say "installing HAProxy's configuration"
install -D -m 0644 haproxy.cfg /etc/haproxy/haproxy.cfg
install -D -m 0644 servers.state /etc/haproxy/servers.state
install -D -m 0644 haproxy_unit.conf "$UNITS/haproxy.service.d/pgherd.conf"
systemctl -q enable haproxy.service

say "checking what is installed"
at_least HAProxy "$(haproxy -v | sed -n 's/^HAProxy version \([0-9.]*\).*/\1/p')" 2.4
# The machine reads the real password at boot; any will do here.
STATS_PASSWORD=check haproxy -c -q -f /etc/haproxy/haproxy.cfg || fail "haproxy.cfg is invalid; see the error above"

record_image "${packages[@]}"
clean_image
say "done"
