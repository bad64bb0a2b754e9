-- What exists from the start. post_bootstrap.py runs it once, when the cluster is founded, and sets the passwords.

-- pg_hba.conf lets the members of this role in from HAProxy. To add a user later:
-- CREATE ROLE … LOGIN IN ROLE pgherd_clients; then \password.
CREATE ROLE pgherd_clients NOLOGIN;
CREATE ROLE "app" LOGIN IN ROLE pgherd_clients;
CREATE DATABASE "app" OWNER "app";
