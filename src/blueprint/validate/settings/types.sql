-- Writes types.tsv: what each setting takes, as PostgreSQL itself says. Run against a server of PostgreSQL 17 as it is packaged:
--   psql -XAtq -F "$(printf '\t')" -f types.sql postgres >types.tsv
-- Text is left out, as nothing is said of its form; so is log_connections, which 18 reads otherwise than 17 does, and
-- wal_compression, which was true or false before 15.
\qecho '# name, type, unit, least, most, words; by types.sql'
SELECT name, vartype, coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''), array_to_string(enumvals, ',')
FROM pg_settings
WHERE context <> 'internal' AND vartype <> 'string' AND name NOT IN ('log_connections', 'wal_compression')
ORDER BY name COLLATE "C";
