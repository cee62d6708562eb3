/* appconfig_fdw--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION appconfig_fdw" to load this file. \quit

CREATE FUNCTION appconfig_fdw_handler()
RETURNS fdw_handler
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

CREATE FUNCTION appconfig_fdw_validator(text[], oid)
RETURNS void
AS 'MODULE_PATHNAME'
LANGUAGE C STRICT;

CREATE FOREIGN DATA WRAPPER appconfig_fdw
  HANDLER appconfig_fdw_handler
  VALIDATOR appconfig_fdw_validator;

CREATE FUNCTION appconfig_treatment_key(variant text)
RETURNS text
AS 'MODULE_PATHNAME'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION appconfig_treatment_key(text)
IS 'treatment key in a variant of the AppConfig agent, as t1 in __t1_override__';

CREATE FUNCTION appconfig_fdw_stats(
  all_sessions boolean DEFAULT false,
  OUT server text, OUT operation text, OUT calls bigint, OUT retries bigint,
  OUT throttles bigint, OUT bytes bigint, OUT cache_hits bigint,
  OUT errors bigint, OUT rate_wait_time double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION appconfig_fdw_stats(boolean)
IS 'what the calls of this session, or of all, have cost, by server and operation';

CREATE FUNCTION appconfig_fdw_whoami(
  server name, OUT source text, OUT detail text, OUT expires_at timestamptz,
  OUT account text, OUT arn text)
RETURNS record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;

COMMENT ON FUNCTION appconfig_fdw_whoami(name)
IS 'as whom the current role signs calls to a server';
