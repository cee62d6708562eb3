--
-- Options: what can be set, where, and to what.  No call is made here.
--
CREATE EXTENSION appconfig_fdw;
CREATE ROLE regress_appconfig_user;
GRANT USAGE ON FOREIGN DATA WRAPPER appconfig_fdw TO regress_appconfig_user;

-- the library has the extension's name and version, from PostgreSQL 18 on
LOAD 'appconfig_fdw';
DO $$
DECLARE
    versions text[];
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        EXECUTE 'SELECT array_agg(version) FROM pg_get_loaded_modules() WHERE module_name = ''appconfig_fdw''' INTO versions;
        ASSERT versions = (SELECT array_agg(extversion) FROM pg_extension WHERE extname = 'appconfig_fdw'), versions;
    END IF;
END
$$;

-- the wrapper has none
ALTER FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1'); -- ERROR

--
-- Servers
--
CREATE SERVER bad FOREIGN DATA WRAPPER appconfig_fdw; -- ERROR
CREATE SERVER bad FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (use_fips 'true'); -- ERROR
CREATE SERVER bad FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (regoin 'us-east-1'); -- ERROR

CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1');
ALTER SERVER s OPTIONS (DROP region); -- ERROR
ALTER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE'); -- ERROR
ALTER SERVER s OPTIONS (ADD "REGION" 'us-east-1'); -- ERROR
ALTER SERVER s OPTIONS (SET region ''); -- ERROR
ALTER SERVER s OPTIONS (SET region 'US-EAST-1'); -- ERROR
ALTER SERVER s OPTIONS (SET region 'us-east-1.evil.example/'); -- ERROR
ALTER SERVER s OPTIONS (SET region 'us-gov-west-1');
ALTER SERVER s OPTIONS (SET region 'us-east-1');

-- booleans
ALTER SERVER s OPTIONS (ADD use_fips 'maybe'); -- ERROR
ALTER SERVER s OPTIONS (ADD use_fips ''); -- ERROR
ALTER SERVER s OPTIONS (ADD use_fips 'on', ADD use_dualstack 'F');

-- endpoints; what is wrong is said, but the value is not repeated
ALTER SERVER s OPTIONS (ADD endpoint 'https://appconfig.example.com'); -- ERROR
ALTER SERVER s OPTIONS (DROP use_fips, SET use_dualstack 'yes', ADD endpoint 'https://appconfig.example.com'); -- ERROR
ALTER SERVER s OPTIONS (DROP use_fips, SET use_dualstack 'no', ADD endpoint 'https://appconfig.example.com:8443/prefix/');
ALTER SERVER s OPTIONS (SET endpoint 'http://127.0.0.1:1');
ALTER SERVER s OPTIONS (SET endpoint 'http://appconfig.example.com'); -- ERROR
ALTER SERVER s OPTIONS (SET endpoint 'https://user:hidden@appconfig.example.com'); -- ERROR
ALTER SERVER s OPTIONS (SET endpoint 'ftp://appconfig.example.com'); -- ERROR
ALTER SERVER s OPTIONS (SET endpoint 'appconfig.example.com'); -- ERROR
ALTER SERVER s OPTIONS (SET endpoint ''); -- ERROR

-- times
ALTER SERVER s OPTIONS (ADD connect_timeout '5s', ADD request_timeout '1min');
ALTER SERVER s OPTIONS (SET connect_timeout '250');
ALTER SERVER s OPTIONS (SET connect_timeout '0'); -- ERROR
ALTER SERVER s OPTIONS (SET connect_timeout '-1'); -- ERROR
ALTER SERVER s OPTIONS (SET connect_timeout '100us'); -- ERROR
ALTER SERVER s OPTIONS (SET connect_timeout '5 parsecs'); -- ERROR
ALTER SERVER s OPTIONS (SET connect_timeout ''); -- ERROR
ALTER SERVER s OPTIONS (SET connect_timeout '1e30'); -- ERROR
ALTER SERVER s OPTIONS (SET connect_timeout 'nan'); -- ERROR
ALTER SERVER s OPTIONS (SET request_timeout '2h'); -- ERROR
ALTER SERVER s OPTIONS (SET request_timeout '100kB'); -- ERROR
ALTER SERVER s OPTIONS (ADD cache_ttl '0');
ALTER SERVER s OPTIONS (SET cache_ttl '5min');
ALTER SERVER s OPTIONS (SET cache_ttl '-5min'); -- ERROR

-- numbers
ALTER SERVER s OPTIONS (ADD max_attempts '1', ADD max_concurrency '256');
ALTER SERVER s OPTIONS (SET max_attempts '0'); -- ERROR
ALTER SERVER s OPTIONS (SET max_attempts '21'); -- ERROR
ALTER SERVER s OPTIONS (SET max_attempts 'many'); -- ERROR
ALTER SERVER s OPTIONS (SET max_concurrency '0'); -- ERROR
ALTER SERVER s OPTIONS (SET max_concurrency '257'); -- ERROR
ALTER SERVER s OPTIONS (SET max_concurrency '10ms'); -- ERROR
ALTER SERVER s OPTIONS (SET max_concurrency '99999999999999999999'); -- ERROR
ALTER SERVER s OPTIONS (ADD max_get_rate '0', ADD max_list_rate '2.5');
ALTER SERVER s OPTIONS (SET max_get_rate '-1'); -- ERROR
ALTER SERVER s OPTIONS (SET max_get_rate 'NaN'); -- ERROR
ALTER SERVER s OPTIONS (SET max_get_rate 'Infinity'); -- ERROR
ALTER SERVER s OPTIONS (SET max_get_rate 'fast'); -- ERROR
ALTER SERVER s OPTIONS (ADD throttle_timeout '0');
ALTER SERVER s OPTIONS (SET throttle_timeout '1h');
ALTER SERVER s OPTIONS (SET throttle_timeout '2h'); -- ERROR
ALTER SERVER s OPTIONS (SET throttle_timeout '-1'); -- ERROR

-- sizes
ALTER SERVER s OPTIONS (ADD max_response_size '512kB', ADD cache_size '1GB');
ALTER SERVER s OPTIONS (SET cache_size '0');
ALTER SERVER s OPTIONS (SET cache_size '-1'); -- ERROR
ALTER SERVER s OPTIONS (SET cache_size '2GB'); -- ERROR
ALTER SERVER s OPTIONS (SET max_response_size '0'); -- ERROR
ALTER SERVER s OPTIONS (SET max_response_size '16 megs'); -- ERROR

-- who signs; fdw_guard.c's rules about them are in sql/guard
ALTER SERVER s OPTIONS (ADD ambient_credentials 'perhaps'); -- ERROR
ALTER SERVER s OPTIONS (ADD ambient_credentials ''); -- ERROR
ALTER SERVER s OPTIONS (ADD ambient_credentials 'instance,'); -- ERROR
ALTER SERVER s OPTIONS (ADD ambient_credentials 'instance profile'); -- ERROR
ALTER SERVER s OPTIONS (ADD ambient_credentials 'instance, true'); -- ERROR
ALTER SERVER s OPTIONS (ADD ambient_credentials ' instance ,profile,	instance, environment, web_identity, container');
ALTER SERVER s OPTIONS (SET ambient_credentials 'true');
ALTER SERVER s OPTIONS (SET ambient_credentials 'false');
ALTER SERVER s OPTIONS (ADD profile ''); -- ERROR
ALTER SERVER s OPTIONS (ADD profile 'default');
ALTER SERVER s OPTIONS (ADD role_arn 'reader'); -- ERROR
ALTER SERVER s OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/reader');
ALTER SERVER s OPTIONS (ADD external_id 'x'); -- ERROR
ALTER SERVER s OPTIONS (ADD external_id 'x1');
ALTER SERVER s OPTIONS (ADD role_session_name 'two words'); -- ERROR
ALTER SERVER s OPTIONS (ADD role_session_name 'one');
ALTER SERVER s OPTIONS (ADD sts_endpoint 'http://sts.example.com'); -- ERROR
ALTER SERVER s OPTIONS (ADD sts_endpoint 'https://sts.example.com');
ALTER SERVER s OPTIONS (ADD use_fips 'true'); -- ERROR
ALTER SERVER s OPTIONS (DROP profile, DROP role_arn, DROP external_id, DROP role_session_name, DROP sts_endpoint);

-- for superusers
ALTER SERVER s OPTIONS (ADD ca_bundle 'ca.pem'); -- ERROR
ALTER SERVER s OPTIONS (ADD ca_bundle ''); -- ERROR
ALTER SERVER s OPTIONS (ADD ca_bundle '/nonexistent/ca.pem');
ALTER SERVER s OWNER TO regress_appconfig_user;
SET ROLE regress_appconfig_user;
ALTER SERVER s OPTIONS (SET ca_bundle '/etc/passwd'); -- ERROR
ALTER SERVER s OPTIONS (SET max_attempts '2');
ALTER SERVER s OPTIONS (SET endpoint 'https://elsewhere.example.com'); -- ERROR
ALTER SERVER s OPTIONS (DROP ca_bundle); -- ERROR
ALTER SERVER s OPTIONS (DROP ca_bundle, SET endpoint 'https://elsewhere.example.com'); -- ERROR
-- in a session that has not met the library before
\c -
SET ROLE regress_appconfig_user;
ALTER SERVER s OPTIONS (DROP ca_bundle, SET endpoint 'https://elsewhere.example.com'); -- ERROR
-- what is no option is the owner's
ALTER SERVER s VERSION '2';
ALTER SERVER s RENAME TO s2;
ALTER SERVER s2 RENAME TO s;
RESET ROLE;
CREATE ROLE regress_appconfig_group;
GRANT USAGE ON FOREIGN DATA WRAPPER appconfig_fdw TO regress_appconfig_group;
GRANT regress_appconfig_group TO regress_appconfig_user;
SET ROLE regress_appconfig_user;
ALTER SERVER s OWNER TO regress_appconfig_group;
ALTER SERVER s OPTIONS (DROP ca_bundle); -- ERROR
RESET ROLE;
ALTER SERVER s OPTIONS (DROP ca_bundle);
SET ROLE regress_appconfig_user;
ALTER SERVER s OPTIONS (SET max_attempts '2');
ALTER SERVER s OPTIONS (ADD ca_bundle '/etc/passwd'); -- ERROR
ALTER SERVER s OPTIONS (SET ambient_credentials 'off');
ALTER SERVER s OPTIONS (DROP ambient_credentials);
ALTER SERVER s OPTIONS (ADD ambient_credentials 'false');
-- options of that name of somebody else's
RESET ROLE;
CREATE FOREIGN DATA WRAPPER other;
CREATE SERVER other FOREIGN DATA WRAPPER other OPTIONS (ca_bundle '/somewhere');
ALTER SERVER other OWNER TO regress_appconfig_group;
SET ROLE regress_appconfig_user;
ALTER SERVER other OPTIONS (DROP ca_bundle);
RESET ROLE;
DROP FOREIGN DATA WRAPPER other CASCADE;

-- a proxy, whose password no message may show
ALTER SERVER s OPTIONS (ADD proxy 'gateway.example.com:3128'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'socks5://user:password@gateway.example.com'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'http://user@gateway.example.com'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'http://user:pass word@gateway.example.com'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'http://user:pass/word@gateway.example.com'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'http://gateway.example.com/path'); -- ERROR
ALTER SERVER s OPTIONS (ADD proxy 'http://user:p%40ss@gateway.example.com:3128');
SET ROLE regress_appconfig_user;
ALTER SERVER s OPTIONS (SET proxy 'http://elsewhere.example.com'); -- ERROR
ALTER SERVER s OPTIONS (DROP proxy); -- ERROR
RESET ROLE;
ALTER SERVER s OPTIONS (DROP proxy);
SET ROLE regress_appconfig_user;
ALTER SERVER s OPTIONS (ADD proxy 'http://elsewhere.example.com'); -- ERROR
RESET ROLE;

SELECT option FROM pg_foreign_server, unnest(srvoptions) AS option WHERE srvname = 's' ORDER BY option COLLATE "C";

--
-- User mappings: no message repeats a value
--
CREATE USER MAPPING FOR CURRENT_USER SERVER s;
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD secret_access_key 'hidden'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD session_token 'hidden'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD session_token 'hidden', ADD access_key_id 'AKIDEXAMPLE'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD region 'us-east-1'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD password 'hidden'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE', ADD secret_access_key ''); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id '', ADD secret_access_key 'hidden'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKID/hidden', ADD secret_access_key 'hidden'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE', ADD secret_access_key 'hidden '); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE', ADD secret_access_key E'hid\nden'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE', ADD secret_access_key 'hiddén'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE', ADD secret_access_key 'hidden', ADD session_token E'hid\r\nden: x'); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/reader');
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP role_arn);
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (ADD access_key_id 'AKIDEXAMPLE', ADD secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', ADD session_token 'to/k+en==');
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id, DROP secret_access_key); -- ERROR
ALTER USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (DROP access_key_id, DROP secret_access_key, DROP session_token);

--
-- Foreign tables and their columns
--
CREATE FOREIGN TABLE bad (run integer) SERVER s OPTIONS (object 'experiment_run'); -- ERROR
CREATE FOREIGN TABLE bad (run integer) SERVER s OPTIONS (region 'us-east-1'); -- ERROR
CREATE FOREIGN TABLE bad (r integer OPTIONS (column_name 'rnu')) SERVER s; -- ERROR
CREATE FOREIGN TABLE bad (r integer OPTIONS (name 'run')) SERVER s; -- ERROR

-- the table goes by its own name, or by the option
CREATE FOREIGN TABLE runs (run integer) SERVER s;
SELECT * FROM runs; -- ERROR
ALTER FOREIGN TABLE runs OPTIONS (ADD object 'experiment_runs');

-- keys are needed, be it by a mapping for everybody if there is no other
GRANT SELECT ON runs TO regress_appconfig_user;
DROP USER MAPPING FOR CURRENT_USER SERVER s;
SET ROLE regress_appconfig_user;
SELECT * FROM runs; -- ERROR
CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'hidden');
CREATE USER MAPPING FOR CURRENT_USER SERVER s;
SELECT * FROM runs; -- ERROR
SELECT :'LAST_ERROR_SQLSTATE' AS sqlstate;
DROP USER MAPPING FOR CURRENT_USER SERVER s;
RESET ROLE;

-- columns that the table does not have
ALTER FOREIGN TABLE runs ADD COLUMN treatment_key text;
SELECT * FROM runs; -- ERROR
ALTER FOREIGN TABLE runs RENAME COLUMN treatment_key TO sttus;
SELECT * FROM runs; -- ERROR
ALTER FOREIGN TABLE runs DROP COLUMN sttus;

-- types
CREATE DOMAIN run_number AS integer CHECK (VALUE > 0);
CREATE DOMAIN big_run_number AS bigint;
CREATE DOMAIN identifier AS varchar(100);
CREATE DOMAIN fixed AS char(10);
CREATE DOMAIN texts AS text[];
CREATE FOREIGN TABLE wanted (
    dropped integer,
    application_id varchar(100),
    application_name name,
    experiment_definition_id identifier,
    n1 run_number OPTIONS (column_name 'run'),
    n2 bigint OPTIONS (column_name 'run'),
    n3 big_run_number OPTIONS (column_name 'run')
) SERVER s OPTIONS (object 'experiment_runs');
ALTER FOREIGN TABLE wanted DROP COLUMN dropped;
CREATE FOREIGN TABLE wanted_arrays (string_array texts, number_array double precision[])
    SERVER s OPTIONS (object 'attribute_values');
CREATE FOREIGN TABLE nothing () SERVER s OPTIONS (object 'experiment_runs');
DO $$
BEGIN
    EXECUTE 'EXPLAIN SELECT * FROM wanted';
    EXECUTE 'EXPLAIN SELECT * FROM wanted_arrays';
    EXECUTE 'EXPLAIN SELECT * FROM nothing';
END
$$;

CREATE FOREIGN TABLE unwanted () SERVER s OPTIONS (object 'attribute_values');
ALTER FOREIGN TABLE unwanted ADD COLUMN run smallint;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted ALTER COLUMN run TYPE numeric;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted ALTER COLUMN run TYPE text;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted DROP COLUMN run, ADD COLUMN application_id char(10);
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted ALTER COLUMN application_id TYPE fixed;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted ALTER COLUMN application_id TYPE integer;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted DROP COLUMN application_id, ADD COLUMN value json;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted ALTER COLUMN value TYPE text;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted DROP COLUMN value, ADD COLUMN number_value real;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted DROP COLUMN number_value, ADD COLUMN is_control text;
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted DROP COLUMN is_control, ADD COLUMN string_array identifier[];
SELECT * FROM unwanted; -- ERROR
ALTER FOREIGN TABLE unwanted DROP COLUMN string_array, ADD COLUMN number_array text[];
SELECT * FROM unwanted; -- ERROR
CREATE FOREIGN TABLE unwanted_times (started_at timestamp) SERVER s OPTIONS (object 'experiment_runs');
SELECT * FROM unwanted_times; -- ERROR

--
-- What programs see
--
\set VERBOSITY sqlstate
ALTER SERVER s OPTIONS (ADD regoin 'us-east-1'); -- ERROR
ALTER SERVER s OPTIONS (DROP region); -- ERROR
ALTER SERVER s OPTIONS (SET region '?'); -- ERROR
ALTER SERVER s OPTIONS (SET endpoint '?'); -- ERROR
ALTER SERVER s OPTIONS (ADD use_fips 'true'); -- ERROR
ALTER SERVER s OPTIONS (ADD role_arn 'reader'); -- ERROR
SET ROLE regress_appconfig_user;
ALTER SERVER s OPTIONS (ADD ca_bundle '/etc/passwd'); -- ERROR
RESET ROLE;
CREATE USER MAPPING FOR CURRENT_USER SERVER s OPTIONS (access_key_id 'AKIDEXAMPLE'); -- ERROR
CREATE FOREIGN TABLE bad (run integer) SERVER s OPTIONS (object 'bad'); -- ERROR
CREATE FOREIGN TABLE bad (r integer OPTIONS (column_name 'bad')) SERVER s; -- ERROR
CREATE FOREIGN TABLE bad (r integer) SERVER s;
SELECT * FROM bad; -- ERROR
ALTER FOREIGN TABLE bad OPTIONS (ADD object 'experiment_runs');
SELECT * FROM bad; -- ERROR
SELECT * FROM unwanted; -- ERROR
\set VERBOSITY default

--
-- The setting
--
SHOW appconfig_fdw.enable_pushdown;
SET ROLE regress_appconfig_user;
SET appconfig_fdw.enable_pushdown = off;
RESET ROLE;
SHOW appconfig_fdw.enable_pushdown;
SET appconfig_fdw.enable_pushdown = maybe; -- ERROR
RESET appconfig_fdw.enable_pushdown;

SET client_min_messages = warning;
DROP EXTENSION appconfig_fdw CASCADE;
DROP DOMAIN run_number, big_run_number, identifier, fixed, texts;
DROP OWNED BY regress_appconfig_user, regress_appconfig_group;
DROP ROLE regress_appconfig_user, regress_appconfig_group;
