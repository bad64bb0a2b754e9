#!/usr/bin/env bash
# Gives a user a new password, in PostgreSQL and in Secrets Manager.
#
#   ./rotate_password.sh USER
#
# What it needs: the AWS CLI with credentials that may do what `pgherd policy BLUEPRINT --for rotate` prints, psql, python3, and a way to HAProxy's write port.
#
# The order is that of Secrets Manager's own rotations. The new password is stored first, labelled AWSPENDING, so it cannot
# get lost; then PostgreSQL takes it; then it becomes the current one. Interrupted at any point, run it again: it goes on
# from there. Open sessions stay. PostgreSQL knows one password of a user at a time: who reads the old one and connects in
# the second before the last step is refused, and gets in after reading again.
#
# Environment, all optional:
#   HAPROXY_ADDRESS   where to reach HAProxy from here, if not at its private address
#   PGDATABASE        a database that lets the user in, if not the one below; needed where there is none
#   PGSSLMODE         how psql checks the server (default require)
#   SECRETS_ENDPOINT  URL of Secrets Manager, if not the region's own: output secrets_endpoint of the network's module
set -euo pipefail

# What the blueprint decided.
cluster=herd
region=eu-west-1
haproxy_address=10.20.128.32 write_port=5000
# Each user, and a database that lets it in: empty where there is none.
declare -A databases=([app]=app)

die() {
  printf 'rotate_password.sh: %s\n' "$*" >&2
  exit 1
}

manager() { aws secretsmanager "$@" --region "$region" ${SECRETS_ENDPOINT:+--endpoint-url "$SECRETS_ENDPOINT"} --output text; }
secrets() { manager "$@" --secret-id "$secret"; }
version_of() { secrets list-secret-version-ids --query "Versions[?contains(VersionStages || \`[]\`, '$1')].VersionId | [0]"; }
value_of() { secrets get-secret-value --version-stage "$1" --query SecretString; }

# Runs the SQL on standard input as the user, with this password, which is in no argument list.
as_user() { PGPASSWORD=$1 psql --no-psqlrc --no-password --quiet --tuples-only --set ON_ERROR_STOP=1 --output /dev/null; }
opens() { as_user "$1" <<<'SELECT 1' 2>/dev/null; }

# What PostgreSQL keeps of a password (RFC 5803): the password itself goes into no log and no statistics of the server.
verifier() {
  printf %s "$1" | python3 -c '
import base64, hashlib, hmac, os, sys
salt, rounds = os.urandom(16), 4096
salted = hashlib.pbkdf2_hmac("sha256", sys.stdin.buffer.read(), salt, rounds)
stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
server = hmac.digest(salted, b"Server Key", "sha256")
salt, stored, server = (base64.b64encode(raw).decode() for raw in (salt, stored, server))
print("SCRAM-SHA-256$%d:%s$%s:%s" % (rounds, salt, stored, server))'
}

main() {
  [[ $# -eq 1 && -n $1 && -n ${databases[$1]+known} ]] || die "usage: ./rotate_password.sh USER, one of: ${!databases[*]}"
  local user=$1 pending current new old hash
  secret=$cluster/user/$user
  export PGHOST=${HAPROXY_ADDRESS:-$haproxy_address} PGPORT=$write_port PGUSER=$user
  export PGDATABASE=${PGDATABASE:-${databases[$user]}} PGSSLMODE=${PGSSLMODE:-require} PGCONNECT_TIMEOUT=5
  [[ -n $PGDATABASE ]] || die "no database lets $user in: set PGDATABASE"

  current=$(version_of AWSCURRENT)
  pending=$(version_of AWSPENDING)
  [[ $current != None ]] || die "$secret has no value yet: only users who were there at the founding got one. Put in the password" \
    "that $user has in PostgreSQL: read -rs password; printf %s \"\$password\" | aws secretsmanager put-secret-value" \
    "--region $region --secret-id $secret --secret-string file:///dev/stdin"
  old=$(value_of AWSCURRENT)
  if [[ $pending == None || $pending == "$current" ]]; then
    as_user "$old" <<<'SELECT 1' || die "$user cannot log in at $PGHOST:$PGPORT with the password in $secret; nothing was changed"
    new=$(manager get-random-password --password-length 32 --exclude-punctuation --query RandomPassword)
    pending=$(printf %s "$new" | secrets put-secret-value --version-stages AWSPENDING --secret-string file:///dev/stdin --query VersionId)
  else
    echo "going on with a rotation that was interrupted"
    new=$(value_of AWSPENDING)
  fi

  if ! opens "$new"; then
    hash=$(verifier "$new")
    # The sessions of a guest who only reads begin read-only.
    printf "SET default_transaction_read_only = off;\nALTER ROLE \"%s\" PASSWORD '%s';\n" "$user" "$hash" | as_user "$old" ||
      die "PostgreSQL did not take the new password. The old one is still in force: mend what the error names and run this again"
    opens "$new" || die "PostgreSQL took the new password and does not let it in. It is in $secret, labelled AWSPENDING"
  fi
  secrets update-secret-version-stage --version-stage AWSCURRENT --move-to-version-id "$pending" --remove-from-version-id "$current" >/dev/null
  secrets update-secret-version-stage --version-stage AWSPENDING --remove-from-version-id "$pending" >/dev/null
  echo "$user has a new password: applications read it in $secret"
}

main "$@"
