-- The shop's two roles in the database they are run in. A superuser of the cluster runs this; a repeat changes nothing.
--
--   permille_owner  owns every table and guard. `manage.py migrate` logs in as this role, and nothing else does.
--   permille        what the shop's processes log in as. It may not alter, drop or truncate a table, nor disable a guard.
--
-- `manage.py migrate` gives `permille` its rights. Passwords are set apart from this file (roles.sh does it).
DO $$
DECLARE
    thing record;
BEGIN
    IF to_regrole('permille_owner') IS NULL THEN
        CREATE ROLE permille_owner LOGIN;
    END IF;
    IF to_regrole('permille') IS NULL THEN
        CREATE ROLE permille LOGIN;
    END IF;

    EXECUTE format('ALTER DATABASE %I OWNER TO permille_owner', current_database());
    -- A cluster that is older than Postgres 15 lets everybody create tables here.
    ALTER SCHEMA public OWNER TO pg_database_owner;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;

    -- What a shop of one role has made changes its owner. The sequence of a column follows its table.
    FOR thing IN
        SELECT c.oid::regclass AS name FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
          AND c.relowner <> 'permille_owner'::regrole
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype IN ('a', 'i', 'e'))
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO permille_owner', thing.name);
    END LOOP;
    FOR thing IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 'permille_owner'::regrole
          AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO permille_owner', thing.name);
    END LOOP;
END $$;
