--
-- AWS AppConfig's experiments as foreign tables
--
CREATE EXTENSION appconfig_fdw;

-- an AWS account needs no endpoint
CREATE SERVER appconfig FOREIGN DATA WRAPPER appconfig_fdw
    OPTIONS (region 'us-east-1', endpoint :'endpoint');

-- the emulator's own keys
CREATE USER MAPPING FOR CURRENT_USER SERVER appconfig
    OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');

CREATE SCHEMA appconfig;
IMPORT FOREIGN SCHEMA appconfig FROM SERVER appconfig INTO appconfig;
