#!/bin/bash
# Finds out by its own address which machine of the cluster this is, and writes its identity to /run/pgherd.
set -euo pipefail

table=/etc/pgherd/machines.tsv
run=/run/pgherd
image_role=$(</etc/pgherd/role)

own_addresses() { ip -4 -o addr show scope global | awk '{ sub("/.*", "", $4); print $4 }'; }

# Prints the line of the table that has one of this machine's addresses.
own_line() {
  local own
  own=" $(own_addresses | tr '\n' ' ')"
  awk -F '\t' -v own="$own" '!/^#/ && index(own, " " $4 " ")' "$table"
}

install -d -m 0755 "$run"
tries=0
until line=$(own_line) && [ -n "$line" ]; do
  if [ $((tries++ % 15)) -eq 0 ]; then
    echo "none of this machine's addresses ($(own_addresses | tr '\n' ' ')) is in $table; trying again"
  fi
  sleep 2
done
IFS=$'\t' read -r name hostname role address zone etcd <<<"$line"

# A slave's image in the master's place would wait for the master, which is itself.
if [ "$role" != "$image_role" ]; then
  echo "$address belongs to $name, a $role, but this image was built for a $image_role" >&2
  exit 1
fi
echo "this is $name ($role, $address, $zone)"

hostname "$hostname"
printf '%s\n' "$hostname" >/etc/hostname
grep -q "[[:space:]]$hostname\$" /etc/hosts || printf '127.0.1.1\t%s\n' "$hostname" >>/etc/hosts

# Addresses that are in no DNS; /etc/pgherd/hosts says why.
while read -r line; do
  grep -qxF -- "$line" /etc/hosts || printf '%s\n' "$line" >>/etc/hosts
done < <(grep -v '^#' /etc/pgherd/hosts)

# What is only in memory yet, a power cut would lose.
sync /etc/hostname /etc/hosts

if [ "$role" != haproxy ]; then
  cat >"$run/patroni-identity.env" <<EOF
PATRONI_NAME=$name
PATRONI_RESTAPI_CONNECT_ADDRESS=$address:8008
PATRONI_POSTGRESQL_CONNECT_ADDRESS=$address:5432
EOF
fi

# etcd's unit starts only if this file exists.
if [ "$etcd" = yes ]; then
  cat >"$run/etcd.env" <<EOF
ETCD_NAME=$name
ETCD_LISTEN_PEER_URLS=http://$address:2380
ETCD_INITIAL_ADVERTISE_PEER_URLS=http://$address:2380
ETCD_LISTEN_CLIENT_URLS=http://$address:2379,http://127.0.0.1:2379
ETCD_ADVERTISE_CLIENT_URLS=http://$address:2379
EOF
fi
