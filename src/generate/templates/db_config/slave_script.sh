#!/bin/bash
# Provisions the slaves' image: a database machine that waits until the cluster is founded before it joins.
set -euo pipefail
cd "$(dirname "$0")"
exec ./provision_database.sh slave
