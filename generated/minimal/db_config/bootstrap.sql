-- Users, databases and rights that exist from the start. post_bootstrap.py runs this once, when the cluster is initialised, and sets the passwords.

-- pg_hba.conf lets in members of this role, from HAProxy. RUNBOOK.md says how to add a user or a database later.
CREATE ROLE pgherd_clients NOLOGIN;

-- Nobody connects to a database without a grant. A database that is made later needs the same statement.
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
-- pg_rewind queries the primary in this database. Patroni gives the role its password and its rights.
CREATE ROLE rewind_user LOGIN;
GRANT CONNECT ON DATABASE postgres TO rewind_user;
-- Operators see the statements of all databases here. The schema is named, because the blueprint's search_path may lack it.
CREATE EXTENSION pg_stat_statements SCHEMA public;
