#!/bin/bash
# Make the shop's two roles and set their passwords. The postgres image runs this once, when its volume is new; on a
# volume that is older, run it by hand (docs/upgrade.md). A repeat sets the passwords again and changes nothing else.
set -euo pipefail
: "${OWNER_PASSWORD:?set POSTGRES_OWNER_PASSWORD in .env}" "${SHOP_PASSWORD:?set POSTGRES_SHOP_PASSWORD in .env}"
psql=(psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB")
"${psql[@]}" --file="$(dirname "${BASH_SOURCE[0]}")/roles.sql"
# From the environment by \getenv, so that no password is on a command line that other processes can read. The hash is
# made by the server from a statement that is not logged.
"${psql[@]}" <<'SQL'
SET log_statement = 'none';
SET log_min_error_statement = 'panic';
\getenv owner_password OWNER_PASSWORD
\getenv shop_password SHOP_PASSWORD
ALTER ROLE permille_owner PASSWORD :'owner_password';
ALTER ROLE permille PASSWORD :'shop_password';
SQL
