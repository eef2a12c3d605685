#!/bin/sh
# Run once by the image of PostgreSQL, on an empty volume: a database for each service, and a role that owns it alone.
set -eu
for service in accounts linking authorizations notifications; do
  psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username=postgres --dbname=postgres \
    --set=name="$service" --set=password="$(cat "/passwords/$service")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
