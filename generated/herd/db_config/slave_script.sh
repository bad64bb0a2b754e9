#!/bin/bash
# Makes the slaves' image: a database machine that waits for the cluster to be there before it takes part in it.
set -euo pipefail
cd "$(dirname "$0")"
exec ./provision_database.sh slave
