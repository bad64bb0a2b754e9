#!/bin/bash
# Provisions the master's image: a database machine that founds the cluster at its first boot. After that it is a member like all others.
set -euo pipefail
cd "$(dirname "$0")"
exec ./provision_database.sh master
