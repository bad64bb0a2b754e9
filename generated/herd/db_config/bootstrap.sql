-- What exists from the start. post_bootstrap.py runs it once with psql, when the cluster is founded, and sets the passwords.

-- pg_hba.conf lets the members of this role in from HAProxy. To add a user later: CREATE ROLE … LOGIN IN ROLE pgherd_clients;
-- \password …; GRANT CONNECT ON DATABASE … TO …; and the same password into its secret, as README.md says: nobody else puts it there.
CREATE ROLE pgherd_clients NOLOGIN;
CREATE ROLE "app" LOGIN IN ROLE pgherd_clients;

-- Who is not named connects to no database. One that is made later needs the same: REVOKE ALL ON DATABASE … FROM PUBLIC;
REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;
-- pg_rewind asks the primary in this database; Patroni gives the role its password and its rights.
CREATE ROLE rewind_user LOGIN;
GRANT CONNECT ON DATABASE postgres TO rewind_user;
-- For operators: here they see the statements of all databases. The schema is named, as a search_path of the blueprint's may lack it.
CREATE EXTENSION pg_stat_statements SCHEMA public;

CREATE DATABASE "app" OWNER "app";
REVOKE ALL ON DATABASE "app" FROM PUBLIC;
\connect "app"
CREATE EXTENSION pg_stat_statements SCHEMA public;
