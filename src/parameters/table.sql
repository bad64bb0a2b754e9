-- What each parameter takes, as a PostgreSQL says it itself. table.py makes table.tsv of the answers of all majors:
--   psql -XAtq -F "$(printf '\t')" -f table.sql postgres >17.tsv
-- Run it with shared_preload_libraries = 'auth_delay, auto_explain, pg_prewarm, pg_stat_statements'.
LOAD 'pg_trgm';
LOAD 'plpgsql';
LOAD 'postgres_fdw';
-- From 15 on.
LOAD 'basebackup_to_shell';
LOAD 'basic_archive';
SELECT name, CASE context WHEN 'internal' THEN 'shown' ELSE vartype END, coalesce(unit, ''), coalesce(min_val, ''),
       coalesce(max_val, ''), array_to_string(enumvals, ',')
FROM pg_settings
ORDER BY lower(name) COLLATE "C";
