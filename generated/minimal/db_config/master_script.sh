#!/bin/bash
# Makes the master's image: a database machine that founds the cluster when it boots first, and is an equal ever after.
set -euo pipefail
cd "$(dirname "$0")"
exec ./provision_database.sh master
