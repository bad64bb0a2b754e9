#!/bin/bash
# Makes this machine's TLS certificate for PostgreSQL, once. An image never contains a key.
set -euo pipefail

folder=/var/lib/pgherd/tls
if [ -s "$folder/server.crt" ]; then exit 0; fi

address=${PATRONI_POSTGRESQL_CONNECT_ADDRESS%:*}
host=$(hostname)
echo "making a TLS certificate for $host ($address)"
install -d -m 0750 -o root -g postgres /var/lib/pgherd "$folder"
# The certificate is self-signed. It encrypts the connection, and passwords and addresses decide who is who. It is valid
# for ten years because nothing renews it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$host" \
  -addext "subjectAltName=DNS:$host,IP:$address" -keyout "$folder/server.key" -out "$folder/server.crt.new" 2>/dev/null
chown root:postgres "$folder/server.key"
chmod 0640 "$folder/server.key"
chmod 0644 "$folder/server.crt.new"
# The certificate comes last: after a power cut in between, both are made anew.
mv "$folder/server.crt.new" "$folder/server.crt"
