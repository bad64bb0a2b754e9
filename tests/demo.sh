#!/usr/bin/env bash
# `make demo` runs this: it starts the cluster of blueprints/herd.hcl in the lab, and proves that it replicates.
set -euo pipefail
cd "$(dirname "$0")/.."
pgherd=${1:-target/release/pgherd}
blueprint=blueprints/herd.hcl

"$pgherd" gen "$blueprint"
"$pgherd" run "$blueprint" --target lab
echo
"$pgherd" status "$blueprint" --target lab

# The columns of the cluster's table: name, host name, role, address, zone, whether it is a member of etcd.
machines=generated/herd/machine/machines.tsv
# Clients know every HAProxy.
haproxies=$(awk '$3 == "haproxy" { print $4 }' "$machines" | paste -sd,)
slaves=$(awk '$3 == "slave"' "$machines" | wc -l)

# The password goes from Secrets Manager into a file that only root may read, and that is deleted when this script ends.
passfile=$(mktemp)
trap 'rm -f "$passfile"' EXIT
password=$("$pgherd" lab shell -- aws secretsmanager get-secret-value --secret-id herd/user/app --query SecretString --output text)
printf '*:*:app:app:%s\n' "$password" >"$passfile"
export PGPASSFILE=$passfile
sql() { psql "host=$haproxies port=$1 user=app dbname=app sslmode=require connect_timeout=5" -XAqt -v ON_ERROR_STOP=1 -c "$2"; }

echo
echo "Proof: a row written through port 5000 and read back through port 5001 from each standby"
sql 5000 'CREATE TABLE IF NOT EXISTS proof (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT now())'
row=$(sql 5000 'INSERT INTO proof DEFAULT VALUES RETURNING id')
echo "  written: row $row on $(sql 5000 'SELECT host(inet_server_addr())')"
declare -A seen=()
for _ in {1..50}; do
  answer=$(sql 5001 "SELECT host(inet_server_addr()), pg_is_in_recovery(), (SELECT count(*) FROM proof WHERE id = $row)")
  IFS='|' read -r address standby count <<<"$answer"
  # Replay may be a moment behind the commit; only a standby that has the row counts.
  if [[ $standby == t && $count == 1 && -z ${seen[$address]:-} ]]; then
    seen[$address]=1
    echo "  read:    row $row on $address, a standby"
  fi
  ((${#seen[@]} == slaves)) && break
  sleep 0.2
done
((${#seen[@]} == slaves)) || { echo "only ${#seen[@]} of $slaves standbys gave the row back" >&2; exit 1; }

cat <<END

Endpoints, reachable from this machine
  writes      psql "host=$haproxies port=5000 user=app dbname=app"
  reads       psql "host=$haproxies port=5001 user=app dbname=app"
  stats page  http://${haproxies%%,*}:7000/admin?stats   user admin1
  password of app
    $pgherd lab shell -- aws secretsmanager get-secret-value --secret-id herd/user/app --query SecretString --output text
  password of the stats page
    $pgherd lab shell -- aws secretsmanager get-secret-value --secret-id herd/stats --query SecretString --output text

Try it: $pgherd lab kill master, watch $pgherd status $blueprint --target lab, then $pgherd lab start master.
Take it down: $pgherd lab down
END
