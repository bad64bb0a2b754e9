#!/usr/bin/env bash
# Gives a user a new password, in PostgreSQL and in Secrets Manager. Without arguments it prints how to use it.
#
# It works in the order of Secrets Manager's own rotations. First it stores the new password with the label AWSPENDING, so
# that it cannot get lost. Then it sets the password in PostgreSQL. Then it makes that version the current one. If it is
# interrupted at any point, run it again: it continues from there.
#
# Open sessions stay. PostgreSQL knows only one password of a user: a client that reads the old one and connects in the
# second before the last step is refused. It gets in once it reads the secret again.
set -euo pipefail

# The blueprint's values.
cluster=herd
region=eu-west-1
haproxy_address=10.20.128.32,10.20.64.32 write_port=5000
# Each user, and a database that it may connect to (empty if there is none).
declare -A databases=([app]=app)

die() {
  printf 'rotate_password.sh: %s\n' "$*" >&2
  exit 1
}

usage() {
  cat >&2 <<EOF
usage: ./rotate_password.sh USER
USER is one of: ${!databases[*]}

It needs bash, psql, python3 and the AWS CLI with credentials that may read and write the secret
(\`pgherd policy BLUEPRINT --for rotate\` prints the IAM policy).

Environment, all optional:
  HAPROXY_ADDRESS   where HAProxy is reached from here (default $haproxy_address, the private addresses). Public addresses:
                    terraform -chdir=load_balancer/terraform_haproxy output public_addresses
  AWS_ENDPOINT_URL_SECRETS_MANAGER
                    where Secrets Manager is reached from here (default: AWS's own address in $region). The cluster's endpoint,
                    for a machine in the VPC: terraform -chdir=network/terraform_network output -raw secrets_endpoint
  PGDATABASE        a database that lets USER in (default: one of the blueprint)
  PGSSLMODE         how psql checks the server (default require)
EOF
  exit 1
}

# Versions of the AWS CLI before 2.13 know the endpoint's option, but not the variable.
secrets() {
  local endpoint=${AWS_ENDPOINT_URL_SECRETS_MANAGER:-}
  aws secretsmanager "$@" --region "$region" ${endpoint:+--endpoint-url "$endpoint"} --secret-id "$secret" --output text
}
version_of() { secrets list-secret-version-ids --query "Versions[?contains(VersionStages || \`[]\`, '$1')].VersionId | [0]"; }
value_of() { secrets get-secret-value --version-stage "$1" --query SecretString; }

# Runs the SQL on standard input as the user. The password is in no argument list.
as_user() { PGPASSWORD=$1 psql --no-psqlrc --no-password --quiet --tuples-only --set ON_ERROR_STOP=1 --output /dev/null; }
opens() { as_user "$1" <<<'SELECT 1' 2>/dev/null; }

# Prints a new password of letters and digits, because it goes into connection strings.
make_password() {
  python3 -c '
import secrets, string
print("".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32)))'
}

# Prints what PostgreSQL stores for a password (RFC 5803): the password itself then is in no log and no statistics of the server.
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
  [[ $# -eq 1 && -n $1 && -n ${databases[$1]+known} ]] || usage
  local user=$1 pending current new old hash
  secret=$cluster/user/$user
  export PGHOST=${HAPROXY_ADDRESS:-$haproxy_address} PGPORT=$write_port PGUSER=$user
  export PGDATABASE=${PGDATABASE:-${databases[$user]}} PGSSLMODE=${PGSSLMODE:-require} PGCONNECT_TIMEOUT=5
  [[ -n $PGDATABASE ]] || die "no database of the blueprint lets $user in: set PGDATABASE to one that does"

  current=$(version_of AWSCURRENT)
  pending=$(version_of AWSPENDING)
  [[ $current != None ]] || die "$secret has no value yet, because $user was added after the cluster was initialised. Store the" \
    "password that $user has in PostgreSQL: read -rs password; printf %s \"\$password\" | aws secretsmanager put-secret-value" \
    "--region $region --secret-id $secret --secret-string file:///dev/stdin"
  old=$(value_of AWSCURRENT)
  if [[ $pending == None || $pending == "$current" ]]; then
    as_user "$old" <<<'SELECT 1' || die "$user cannot log in at $PGHOST:$PGPORT with the password in $secret; nothing was changed." \
      "If HAProxy is not reached at $PGHOST from here, set HAPROXY_ADDRESS"
    new=$(make_password)
    pending=$(printf %s "$new" | secrets put-secret-value --version-stages AWSPENDING --secret-string file:///dev/stdin --query VersionId)
  else
    echo "continuing a rotation that was interrupted"
    new=$(value_of AWSPENDING)
  fi

  if ! opens "$new"; then
    hash=$(verifier "$new")
    # Sessions of a user with access = "read" start read-only.
    printf "SET default_transaction_read_only = off;\nALTER ROLE \"%s\" PASSWORD '%s';\n" "$user" "$hash" | as_user "$old" ||
      die "PostgreSQL did not accept the new password. The old one is still valid: fix what the error above says and run this again"
    opens "$new" || die "PostgreSQL accepted the new password, but $user cannot log in with it. It is in $secret, labelled AWSPENDING"
  fi
  secrets update-secret-version-stage --version-stage AWSCURRENT --move-to-version-id "$pending" --remove-from-version-id "$current" >/dev/null
  secrets update-secret-version-stage --version-stage AWSPENDING --remove-from-version-id "$pending" >/dev/null
  echo "$user has a new password. Applications read it from the secret $secret"
}

main "$@"
