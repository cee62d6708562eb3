--
-- Who may change the options that decide who signs, and for whom
--
CREATE EXTENSION appconfig_fdw;
CREATE ROLE regress_appconfig_owner;
CREATE ROLE regress_appconfig_analyst;
GRANT USAGE ON FOREIGN DATA WRAPPER appconfig_fdw TO regress_appconfig_owner;

-- the options of a server, or of a user mapping, that are there now
CREATE VIEW server_options AS
    SELECT option FROM pg_foreign_server, unnest(srvoptions) AS option WHERE srvname = 's' ORDER BY option COLLATE "C";
CREATE VIEW mapping_options AS
    SELECT usename, coalesce(option, '(none)') AS option FROM pg_user_mappings LEFT JOIN LATERAL unnest(umoptions) AS option ON true
    WHERE srvname = 's' ORDER BY usename COLLATE "C", option COLLATE "C";

--
-- Servers: an owner makes and changes one freely, but for what is a superuser's
--
SET ROLE regress_appconfig_owner;
CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', ambient_credentials 'instance'); -- ERROR
CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', ca_bundle '/ca.pem'); -- ERROR
CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', proxy 'http://localhost:1'); -- ERROR
CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', ambient_credentials 'false');
ALTER SERVER s OPTIONS (SET region 'us-west-2', ADD endpoint 'https://a.example.com', ADD sts_endpoint 'https://b.example.com',
    ADD profile 'p', ADD role_arn 'arn:aws:iam::123456789012:role/a', ADD external_id 'id');
ALTER SERVER s OPTIONS (SET ambient_credentials 'true'); -- ERROR
ALTER SERVER s OPTIONS (SET ambient_credentials 'off');
GRANT USAGE ON FOREIGN SERVER s TO regress_appconfig_analyst;
RESET ROLE;

-- with each of these, all that moves a request or changes its identity
ALTER SERVER s OPTIONS (SET ambient_credentials 'environment,instance');
SET ROLE regress_appconfig_owner;
ALTER SERVER s OPTIONS (SET region 'us-east-1'); -- ERROR
ALTER SERVER s OPTIONS (SET endpoint 'https://elsewhere.example.com'); -- ERROR
ALTER SERVER s OPTIONS (DROP endpoint); -- ERROR
ALTER SERVER s OPTIONS (SET sts_endpoint 'https://elsewhere.example.com'); -- ERROR
ALTER SERVER s OPTIONS (DROP sts_endpoint); -- ERROR
ALTER SERVER s OPTIONS (SET profile 'admin'); -- ERROR
ALTER SERVER s OPTIONS (DROP profile); -- ERROR
ALTER SERVER s OPTIONS (SET role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
ALTER SERVER s OPTIONS (DROP role_arn); -- ERROR
ALTER SERVER s OPTIONS (SET external_id 'other'); -- ERROR
ALTER SERVER s OPTIONS (DROP external_id); -- ERROR
ALTER SERVER s OPTIONS (ADD ca_bundle '/ca.pem'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'http://localhost:1'); -- ERROR
ALTER SERVER s OPTIONS (DROP endpoint, DROP sts_endpoint, ADD use_fips 'true'); -- ERROR
ALTER SERVER s OPTIONS (SET ambient_credentials 'environment, instance'); -- ERROR
ALTER SERVER s OPTIONS (SET ambient_credentials 'instance'); -- ERROR
ALTER SERVER s OPTIONS (DROP ambient_credentials); -- ERROR
ALTER SERVER s OPTIONS (DROP ambient_credentials, SET endpoint 'https://elsewhere.example.com'); -- ERROR
-- nothing else
ALTER SERVER s OPTIONS (ADD max_attempts '2', ADD cache_ttl '1min', ADD role_session_name 'reports');
ALTER SERVER s OPTIONS (SET max_attempts '4', DROP cache_ttl, DROP role_session_name);
RESET ROLE;
TABLE server_options;
-- a superuser may do all of it
ALTER SERVER s OPTIONS (SET region 'us-east-1', DROP endpoint, DROP sts_endpoint, DROP profile, DROP role_arn, DROP external_id,
    DROP max_attempts);
TABLE server_options;

--
-- User mappings on a server with ambient credentials
--
SET ROLE regress_appconfig_analyst;
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (external_id 'id'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s
    OPTIONS (access_key_id 'A', secret_access_key 'S', role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
-- the same identity as without it
CREATE USER MAPPING FOR CURRENT_USER SERVER s;
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD role_session_name 'me');
-- keys of one's own
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'A', ADD secret_access_key 'S');
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id, DROP secret_access_key);
DROP USER MAPPING FOR CURRENT_USER SERVER s;
RESET ROLE;

-- a superuser's choice for one user, and for all
CREATE USER MAPPING FOR regress_appconfig_analyst SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/analyst', external_id 'id');
SET ROLE regress_appconfig_analyst;
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (SET role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP role_arn, DROP external_id); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (SET external_id 'other'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD role_session_name 'me');
RESET ROLE;
DROP USER MAPPING FOR regress_appconfig_analyst SERVER s;
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/everybody');
SET ROLE regress_appconfig_analyst;
-- it would stand before PUBLIC's, and lose its role
CREATE USER MAPPING FOR CURRENT_USER SERVER s; -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (role_session_name 'me'); -- ERROR
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'A', secret_access_key 'S');
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id, DROP secret_access_key); -- ERROR
DROP USER MAPPING FOR CURRENT_USER SERVER s;
-- in a session that has not met the library before
\c -
SET ROLE regress_appconfig_analyst;
CREATE USER MAPPING FOR CURRENT_USER SERVER s; -- ERROR
\c -
SET ROLE regress_appconfig_owner;
ALTER USER MAPPING FOR PUBLIC SERVER s OPTIONS (SET role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
CREATE USER MAPPING FOR regress_appconfig_analyst SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
RESET ROLE;
TABLE mapping_options;
DROP USER MAPPING FOR PUBLIC SERVER s;

--
-- Without ambient credentials roles are everybody's, with keys of one's own
--
ALTER SERVER s OPTIONS (DROP ambient_credentials);
SET ROLE regress_appconfig_analyst;
CREATE USER MAPPING FOR CURRENT_USER SERVER s
    OPTIONS (access_key_id 'A', secret_access_key 'S', role_arn 'arn:aws:iam::123456789012:role/a', external_id 'id');
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (SET role_arn 'arn:aws:iam::123456789012:role/b', DROP external_id);
-- but not kept for the day on which they come
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id, DROP secret_access_key); -- ERROR
DROP USER MAPPING FOR CURRENT_USER SERVER s;
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
RESET ROLE;
TABLE mapping_options;

-- ... not by way of keys of PUBLIC's either, which somebody else may have set
SET ROLE regress_appconfig_owner;
CREATE USER MAPPING FOR PUBLIC SERVER s
    OPTIONS (access_key_id 'A', secret_access_key 'S', role_arn 'arn:aws:iam::123456789012:role/admin');
CREATE USER MAPPING FOR regress_appconfig_analyst SERVER s OPTIONS (role_arn 'arn:aws:iam::123456789012:role/admin'); -- ERROR
CREATE USER MAPPING FOR regress_appconfig_analyst SERVER s; -- ERROR
DROP USER MAPPING FOR PUBLIC SERVER s;
RESET ROLE;

-- a validator that has settings of its own, as hardening guides advise
ALTER FUNCTION appconfig_fdw_validator(text[], oid) SET search_path = pg_catalog;
SET ROLE regress_appconfig_owner;
ALTER SERVER s OPTIONS (ADD ambient_credentials 'true'); -- ERROR
RESET ROLE;
ALTER FUNCTION appconfig_fdw_validator(text[], oid) RESET ALL;

-- one option twice, as "role_arn=b" '' gives it in older minor releases
SELECT appconfig_fdw_validator(ARRAY['region=us-east-1', 'profile=a', 'profile=b='], 'pg_foreign_server'::regclass); -- ERROR

--
-- Somebody else's servers with options of these names
--
CREATE FOREIGN DATA WRAPPER other;
GRANT USAGE ON FOREIGN DATA WRAPPER other TO regress_appconfig_owner;
SET ROLE regress_appconfig_owner;
CREATE SERVER other FOREIGN DATA WRAPPER other OPTIONS (ambient_credentials 'true', endpoint 'a');
ALTER SERVER other OPTIONS (SET endpoint 'b');
CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (role_arn 'c');
RESET ROLE;

--
-- As whom one signs, for those who may use the server
--
SELECT * FROM appconfig_fdw_whoami('nowhere'); -- ERROR
SELECT * FROM appconfig_fdw_whoami('other'); -- ERROR
SELECT * FROM appconfig_fdw_whoami(NULL);
SELECT * FROM appconfig_fdw_whoami('s'); -- ERROR
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_appconfig_analyst;
SELECT * FROM appconfig_fdw_whoami('s'); -- ERROR
RESET ROLE;
REVOKE USAGE ON FOREIGN SERVER s FROM regress_appconfig_analyst;
SET ROLE regress_appconfig_analyst;
SELECT * FROM appconfig_fdw_whoami('s'); -- ERROR
RESET ROLE;
CREATE FOREIGN TABLE experiment_runs (run integer) SERVER s;
GRANT SELECT ON experiment_runs TO regress_appconfig_analyst;
SET ROLE regress_appconfig_analyst;
SELECT * FROM appconfig_fdw_whoami('s'); -- ERROR
RESET ROLE;

SET client_min_messages = warning;
DROP EXTENSION appconfig_fdw CASCADE;
DROP FOREIGN DATA WRAPPER other CASCADE;
DROP VIEW server_options, mapping_options;
DROP OWNED BY regress_appconfig_owner, regress_appconfig_analyst;
DROP ROLE regress_appconfig_owner, regress_appconfig_analyst;
