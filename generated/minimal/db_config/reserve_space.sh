#!/bin/bash
# Keeps a file on PostgreSQL's volume that an operator deletes when the volume is full. It takes space only where as much is left.
set -euo pipefail

reserve=/var/lib/postgresql/reserve
mib=256
if [ -e "$reserve" ]; then exit 0; fi

free=$(df --output=avail --block-size=M /var/lib/postgresql | tail -n 1 | tr -dc '[:digit:]')
if [ $((free - mib)) -lt "$mib" ]; then
  echo "only $free MiB are free, so nothing is reserved"
  exit 0
fi
fallocate --length "${mib}MiB" "$reserve.new" || {
  rm -f "$reserve.new"
  exit 1
}
mv "$reserve.new" "$reserve"
