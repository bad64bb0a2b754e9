#!/bin/bash
# Sets aside the huge pages that PostgreSQL's shared memory takes: huge_pages.sh FILE_WITH_THEIR_NUMBER FILE_OF_THE_KERNEL
# All or none: memory that is set aside and does not suffice would be nobody's. PostgreSQL starts without them, too.
set -uo pipefail

wanted=$(<"$1")
printf '%s\n' "$wanted" >"$2"
got=$(<"$2")
if [ "${got:-0}" -lt "$wanted" ]; then
  printf '0\n' >"$2"
  printf 'the kernel had %s of %s huge pages: PostgreSQL takes ordinary ones\n' "${got:-0}" "$wanted"
else
  printf '%s huge pages are set aside\n' "$got"
fi
exit 0
