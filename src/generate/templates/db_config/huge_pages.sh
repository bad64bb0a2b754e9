#!/bin/bash
# Reserves the huge pages for PostgreSQL's shared memory: huge_pages.sh FILE_WITH_THEIR_NUMBER FILE_OF_THE_KERNEL
# It reserves all or none: too few would be memory that nobody uses. PostgreSQL starts without them, too.
set -uo pipefail

wanted=$(<"$1")
printf '%s\n' "$wanted" >"$2"
got=$(<"$2")
if [ "${got:-0}" -lt "$wanted" ]; then
  printf '0\n' >"$2"
  printf 'the kernel has only %s of %s huge pages, so PostgreSQL uses ordinary pages\n' "${got:-0}" "$wanted"
else
  printf '%s huge pages are reserved\n' "$got"
fi
exit 0
