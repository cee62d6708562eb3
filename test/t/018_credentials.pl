# Credentials that are got: roles that are assumed, the database server's own sources, how long they live,
# and what goes wrong with each.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $emulator = start_emulator();
my $url = $emulator->url;
my $account = '111122223333';
my $example = "SELECT run FROM %s.experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

# nothing of the machine that the test runs on
delete $ENV{$_} foreach grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = $dir;
$ENV{AWS_EC2_METADATA_SERVICE_ENDPOINT} = $url;
my $node = new_node('credentials', 'log_min_messages = log');
add_environment($node);

# server(NAME, OPTION => VALUE, ...): a server without a user mapping
sub server
{
	my ($name, %options) = @_;

	create_server($node, $name, $url, sts_endpoint => $url, %options);
	$node->safe_psql('postgres', "DROP USER MAPPING FOR CURRENT_USER SERVER $name");
}

# session(NAME => VALUE, ...): a new session with these variables in its environment
sub session
{
	my (%environment) = @_;
	my $session = open_session($node);

	$session->query("SELECT set_environment('$_', '$environment{$_}')") foreach sort keys %environment;
	$emulator->reset;
	return $session;
}

# the form of the request to STS since the last reset
sub form
{
	my ($entry) = grep { $_->{operation} =~ /^Assume/ } map { JSON::PP::decode_json($_) } split /\n/, $emulator->ctl('log');
	my %form = map { map { s/%(..)/chr hex $1/ger } split /=/, $_, 2 } split /&/, $entry->{body};

	return %form;
}

# reads(SESSION, SERVER): a row of an example's, with the calls that this has taken
sub reads
{
	my ($session, $server) = @_;

	$emulator->clear;
	return $session->query(sprintf $example, $server) eq '1' ? $emulator->calls : 'no row';
}

# whoami(SESSION, SERVER)
sub whoami
{
	my ($session, $server) = @_;

	return $session->query("SELECT source, coalesce(detail, '-'), expires_at IS NOT NULL, account, arn FROM appconfig_fdw_whoami('$server')");
}

# fails(SESSION, SERVER): SQLSTATE and message of the example
sub fails
{
	my ($session, $server) = @_;

	$emulator->clear;
	return ($session->run(sprintf $example, $server))[1];
}

# ---------------------------------------------------------------------
# Roles on top of a user's own keys
# ---------------------------------------------------------------------

my $keys = "access_key_id '$access_key', secret_access_key '$secret_key'";
my $arn = "arn:aws:iam::$account:role";

server('own');
$node->safe_psql('postgres', "CREATE USER MAPPING FOR CURRENT_USER SERVER own OPTIONS ($keys)");
my $session = session();
is(whoami($session, 'own'), "user mapping|-|f|$account|arn:aws:iam::$account:user/example", 'keys of the user mapping');
is($emulator->calls, 'GetCallerIdentity 1', '... which cost no call but the question who it is');

server('role', role_arn => "$arn/ReportReader");
$node->safe_psql('postgres', "CREATE USER MAPPING FOR CURRENT_USER SERVER role OPTIONS ($keys)");
$session = session();
is(reads($session, 'role'), 'AssumeRole 1, GetExperimentRun 1', 'a role of the server');
my %form = form();
my ($user) = $node->safe_psql('postgres', 'SELECT current_user');
is_deeply(\%form, {
		Action => 'AssumeRole', Version => '2011-06-15', RoleArn => "$arn/ReportReader",
		RoleSessionName => "appconfig_fdw-$user", DurationSeconds => 3600
	}, '... is asked for an hour, under the name of the PostgreSQL role');
is(reads($session, 'role'), 'GetExperimentRun 1', '... once a session');
is(whoami($session, 'role'),
	"user mapping|role $arn/ReportReader|t|$account|arn:aws:sts::$account:assumed-role/ReportReader/appconfig_fdw-$user",
	'... and who that is');
is($session->query(q{SELECT date_trunc('minute', expires_at - now() + interval '30 s') FROM appconfig_fdw_whoami('role')}),
	'01:00:00', '... for an hour');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS (ADD role_arn '$arn/PartnerReader',
	ADD external_id 'example:external/id', ADD role_session_name 'me')");
is(reads($session, 'role'), 'AssumeRole 1, GetExperimentRun 1', "the mapping's options go before the server's");
%form = form();
is("$form{RoleArn} $form{ExternalId} $form{RoleSessionName}", "$arn/PartnerReader example:external/id me", '... each of them');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS (DROP external_id)");
like(fails($session, 'role'), qr/42501: AWS STS denied the request\n.*AssumeRole failed: AccessDenied, HTTP status 403.*\n.*sts:AssumeRole/,
	'a role that may not be assumed');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS (SET role_arn '$arn/NoPermissions')");
like(fails($session, 'role'), qr/42501: AWS AppConfig denied the request/, 'one that may not read');
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS (SET role_arn '$arn/ReportReader', SET secret_access_key 'wrong')");
like(fails($session, 'role'), qr/28000: AWS does not accept the signature.*\n.*AssumeRole failed: SignatureDoesNotMatch/, 'wrong keys');
is($emulator->calls, 'AssumeRole 1', '... are tried once');

# the role's credentials are got again in the midst of the question who they are
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS (SET role_arn '$arn/ReportReader', SET secret_access_key '$secret_key')");
like(whoami($session, 'role'), qr/^user mapping\|/, 'who has a role');
$emulator->clear;
$emulator->faults({ kind => 'status', status => 400, body => '{"Error":{"Code":"ExpiredToken"}}', operation => 'GetCallerIdentity', times => 1 });
like(whoami($session, 'role'), qr/^user mapping\|/, '... that has expired');
is($emulator->calls, 'AssumeRole 1, GetCallerIdentity 2', '... asks once more');
$emulator->reset;

$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER own OPTIONS (SET access_key_id 'AKIDUNKNOWN')");
like(($session->run("SELECT * FROM appconfig_fdw_whoami('own')"))[1],
	qr/28000: AWS does not accept the credentials\nDETAIL:  GetCallerIdentity failed: InvalidClientTokenId.*\nHINT:  Check access_key_id/,
	'keys that nobody knows, and where they are');

# ---------------------------------------------------------------------
# Sources
# ---------------------------------------------------------------------

my %key_variables = (AWS_ACCESS_KEY_ID => $access_key, AWS_SECRET_ACCESS_KEY => $secret_key);

server('ambient', ambient_credentials => 'true');
$session = session(%key_variables);
is(reads($session, 'ambient'), 'GetExperimentRun 1', 'environment');
is(whoami($session, 'ambient'), "environment|-|f|$account|arn:aws:iam::$account:user/example", '... and who that is');
create_server($node, 'elsewhere', 'https://appconfig.example.com', ambient_credentials => 'environment', connect_timeout => '10s');
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER elsewhere');
$session = session(%key_variables, AWS_ENDPOINT_URL => $url);
unlike(fails($session, 'elsewhere'), qr/endpoint of STS/, "... with an endpoint of STS on this host, which nobody needs");
$node->safe_psql('postgres', "ALTER SERVER elsewhere OPTIONS (ADD role_arn '$arn/ReportReader')");
like(fails($session, 'elsewhere'), qr/28000: could not get AWS credentials: the endpoint of STS .* is on this host/, '... and which nobody may use');

append_to_file("$dir/config", <<"EOF");
[default]
region = us-east-1
[profile keys]
aws_access_key_id = $access_key
aws_secret_access_key = $secret_key
[profile a]
role_arn = $arn/RoleA
source_profile = keys
[profile b]
role_arn = $arn/RoleB
role_session_name = chained
source_profile = a
[profile instance]
role_arn = $arn/ReportReader
credential_source = Ec2InstanceMetadata
[profile process]
credential_process = /bin/true
EOF
$session = session(AWS_CONFIG_FILE => "$dir/config", AWS_PROFILE => 'keys');
is(reads($session, 'ambient'), 'GetExperimentRun 1', 'profile');
is(whoami($session, 'ambient'), "profile|profile keys|f|$account|arn:aws:iam::$account:user/example", '... and who that is');
$session = session(AWS_CONFIG_FILE => "$dir/config", AWS_PROFILE => 'b');
is(reads($session, 'ambient'), 'AssumeRole 2, GetExperimentRun 1', 'a chain of roles');
is(whoami($session, 'ambient'),
	"profile|profile b, role $arn/RoleA, role $arn/RoleB|t|$account|arn:aws:sts::$account:assumed-role/RoleB/chained", '... and who that is');
server('named', ambient_credentials => 'profile', profile => 'instance');
$session = session(AWS_CONFIG_FILE => "$dir/config", AWS_PROFILE => 'keys');
is(reads($session, 'named'), 'AssumeRole 1, GetExperimentRun 1, MetadataCredentials 1, MetadataRole 1, MetadataToken 1',
	'the profile of the option, with a source of its own');
server('process', ambient_credentials => 'profile', profile => 'process');
like(fails($session, 'process'), qr/28000: could not get AWS credentials: profile "process": credential_process is set/, 'a process is refused');
is($emulator->calls, 'none', '... without a call');

my $token = join '.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"me"}', 'x' x 256;
append_to_file("$dir/token", "$token\n");
my %web_variables = (AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$arn/PodReader");
$session = session(%web_variables);
is(reads($session, 'ambient'), 'AssumeRoleWithWebIdentity 1, GetExperimentRun 1', 'web identity');
is(whoami($session, 'ambient'),
	"web_identity|role $arn/PodReader|t|$account|arn:aws:sts::$account:assumed-role/PodReader/appconfig_fdw-$user", '... and who that is');

append_to_file("$dir/authorization", "Bearer of a container\n");
$emulator->mutate('set_container_authorization', value => 'Bearer of a container');
my %container_variables = (AWS_CONTAINER_CREDENTIALS_FULL_URI => "$url/container/credentials/task",
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$dir/authorization");
$session = session(%container_variables);
is(reads($session, 'ambient'), 'ContainerCredentials 1, GetExperimentRun 1', 'container');
like(whoami($session, 'ambient'), qr{^container\|-\|t\|$account\|arn:aws:sts::$account:assumed-role/TaskRole/}, '... and who that is');

$session = session();
is(reads($session, 'ambient'), 'GetExperimentRun 1, MetadataCredentials 1, MetadataRole 1, MetadataToken 1', 'instance');
like(whoami($session, 'ambient'), qr{^instance\|role InstanceRole\|t\|$account\|arn:aws:sts::$account:assumed-role/InstanceRole/}, '... and who that is');
server('instance_role', ambient_credentials => 'instance', role_arn => "$arn/PartnerReader");
like(fails($session, 'instance_role'), qr/42501: AWS STS denied the request\n.*AssumeRole failed: AccessDenied/,
	'... whose role may not assume another');
is($emulator->ctl('without-token'), 0, '... never without a token');
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... once a session');

# ---------------------------------------------------------------------
# What is skipped, and what is broken
# ---------------------------------------------------------------------

$emulator->mutate('set_metadata_enabled', enabled => JSON::PP::false);
like(fails(session(), 'ambient'),
	qr/28000: no AWS credentials for user ".*" on server "ambient"\nDETAIL: .*environment: .*profile: .*web_identity: .*container: .*instance: .*403/,
	'nothing at all: each source is told, and why not');
$emulator->mutate('set_metadata_enabled', enabled => JSON::PP::true);
like(fails(session(AWS_EC2_METADATA_DISABLED => 'true'), 'ambient'), qr/28000: no AWS credentials .*\nDETAIL: .*instance: .*AWS_EC2_METADATA_DISABLED/,
	'... and the instance, if it is not to be asked');
is($emulator->calls, 'none', '... which it is not');
server('container_only', ambient_credentials => 'container,environment');
like(fails(session(%web_variables), 'container_only'), qr/28000: no AWS credentials .*\nDETAIL:  environment: [^;]*; container: [^;\n]*$/m,
	'what is not in the list is not looked at');
like(fails(session(AWS_ACCESS_KEY_ID => 'alone', %web_variables), 'ambient'), qr/28000: could not get AWS credentials: .*AWS_SECRET_ACCESS_KEY/,
	'half a source is broken, and no other takes its place');
like(fails(session(%web_variables, AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/nothing"), 'ambient'),
	qr/28000: could not get AWS credentials\n.*"$dir\/nothing" cannot be read: No such file/, 'a token file that is not there');
like(fails(session(%container_variables, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$dir/token"), 'ambient'),
	qr/28000: AWS does not accept the credentials\nDETAIL:  ContainerCredentials failed: .*401/, "a container's authorization that is wrong");
like(fails(session(%container_variables, AWS_CONTAINER_CREDENTIALS_FULL_URI => 'http://192.0.2.1/x'), 'ambient'),
	qr/28000: could not get AWS credentials: .*AWS_CONTAINER_CREDENTIALS_FULL_URI/, 'an address that no container has');
my $mapping = "CREATE USER MAPPING FOR CURRENT_USER SERVER ambient OPTIONS ($keys)";
$node->safe_psql('postgres', $mapping);
$session = session(AWS_ACCESS_KEY_ID => 'alone');
is(reads($session, 'ambient'), 'GetExperimentRun 1', "a user's own keys come first");
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER ambient');

# ---------------------------------------------------------------------
# How long they live
# ---------------------------------------------------------------------

my $all = 'SELECT count(*) FROM ambient.treatments';

$session = session(%container_variables);
my $rows = $session->query($all);
$emulator->mutate('expire_sessions');
$emulator->clear;
is($session->query($all), $rows, 'credentials that have expired, as the service says');
like($emulator->calls, qr/^ContainerCredentials 1, /, '... are got again once, whatever the number of calls');
# in the middle of a scan: three pages of lists, and then all is over
$emulator->clear;
$emulator->faults({ kind => 'change', operation => 'GetExperimentRun', after => 10, times => 1, mutation => { action => 'expire_sessions' } });
is($session->query($all), $rows, '... and in the middle of a scan');
like($emulator->calls, qr/^ContainerCredentials 1, /, '... once as well');
$emulator->reset;

# near their end, renewed by the next statement
$emulator->mutate('set_lifetime', operation => 'ContainerCredentials', seconds => 14 * 60);
$session = session(%container_variables);
is(reads($session, 'ambient'), 'ContainerCredentials 1, GetExperimentRun 1', 'credentials that live for 14 minutes');
is(reads($session, 'ambient'), 'ContainerCredentials 1, GetExperimentRun 1', '... are renewed in time');
$emulator->faults({ kind => 'error500', operation => 'ContainerCredentials' });
is(reads($session, 'ambient'), 'ContainerCredentials 3, GetExperimentRun 1', '... and serve if that fails');
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... which is not tried again at once');
$session = session(%container_variables);
is(reads($session, 'ambient'), 'ContainerCredentials 1, GetExperimentRun 1', '... nor');
$emulator->faults({ kind => 'hang', operation => 'ContainerCredentials' });
$session->query("SET statement_timeout = '500ms'");
is($session->failure(sprintf $example, 'ambient'), '57014', '... where a statement has been cancelled that waited for it');
$session->query('RESET statement_timeout');
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... and the next one need not be');
$emulator->reset;
$emulator->mutate('set_lifetime', operation => 'ContainerCredentials', seconds => 16 * 60);
$session = session(%container_variables);
is(reads($session, 'ambient'), 'ContainerCredentials 1, GetExperimentRun 1', 'credentials that live for 16 minutes');
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... are not renewed yet');
$emulator->mutate('set_lifetime', operation => 'ContainerCredentials', seconds => -3600);
$session = session(%container_variables);
like(fails($session, 'ambient'), qr/28000: the AWS credentials have expired/, 'those that come expired');
is($emulator->calls, 'ContainerCredentials 2, GetExperimentRun 2', '... are tried, and got once more');
$emulator->mutate('set_lifetime', operation => 'ContainerCredentials');
is(reads($session, 'ambient'), 'ContainerCredentials 1, GetExperimentRun 1', '... and the next statement tries again');

# many times
sub used
{
	return $session->query("SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'appconfig%'");
}

my $often = q{DO $$ BEGIN FOR i IN 1..%d LOOP PERFORM run FROM ambient.experiment_runs WHERE application_id = '339ohji'
	AND experiment_definition_id = 'bsxyd7k' AND run = 1; END LOOP; END $$};
$emulator->mutate('set_lifetime', operation => 'ContainerCredentials', seconds => 14 * 60);
$session = session(%container_variables);
$session->query(sprintf $often, 5);
my $used = used();
$session->query(sprintf $often, 50);
is($emulator->calls, 'ContainerCredentials 55, GetExperimentRun 55', 'renewed 55 times');
is(used(), $used, '... in the same memory');
my $failing = q{DO $$ BEGIN FOR i IN 1..%d LOOP BEGIN PERFORM run FROM role.experiment_runs WHERE application_id = '339ohji'
	AND experiment_definition_id = 'bsxyd7k' AND run = 1; EXCEPTION WHEN insufficient_privilege THEN END; END LOOP; END $$};
$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS (SET secret_access_key '$secret_key', SET role_arn '$arn/Forbidden')");
$session = session();
$session->query(sprintf $failing, 5);
$used = used();
$session->query(sprintf $failing, 50);
is($emulator->calls, 'AssumeRole 55', 'refused 55 times');
is(used(), $used, '... in the same memory, as well');

# an instance whose service hands out old ones: they serve for a while
$emulator->mutate('set_lifetime', operation => 'MetadataCredentials', seconds => 60);
$session = session();
is(reads($session, 'ambient'), 'GetExperimentRun 1, MetadataCredentials 1, MetadataRole 1, MetadataToken 1', 'an instance');
$emulator->faults({ kind => 'reset', path => '^/latest/' });
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... whose credentials are near their end serve on');
$emulator->reset;
$emulator->mutate('set_lifetime', operation => 'MetadataCredentials');
$emulator->mutate('set_instance_role', name => 'Renamed');
$session = session();
is(reads($session, 'ambient'), 'GetExperimentRun 1, MetadataCredentials 1, MetadataRole 1, MetadataToken 1', 'a role that has another name');
$emulator->mutate('expire_sessions');
$emulator->faults({ kind => 'change', operation => 'MetadataRole', times => 1, mutation => { action => 'set_instance_role', name => 'Again' } });
is(reads($session, 'ambient'), 'GetExperimentRun 2, MetadataCredentials 2, MetadataRole 2, MetadataToken 1', '... is found again while it is renamed');
like(whoami($session, 'ambient'), qr{^instance\|role Again\|}, '... by its new one');

# files
$session = session(AWS_CONFIG_FILE => "$dir/config", AWS_PROFILE => 'keys');
is(reads($session, 'ambient'), 'GetExperimentRun 1', 'a profile');
append_to_file("$dir/config", "[profile keys]\naws_secret_access_key = wrong\n");
like(fails($session, 'ambient'), qr/28000: AWS does not accept the signature/, '... that has changed counts in the next statement');
append_to_file("$dir/config", "[profile keys]\naws_secret_access_key = $secret_key\n");
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... each time');
$emulator->mutate('set_web_identity_token', token => $token);
$session = session(%web_variables);
is(reads($session, 'ambient'), 'AssumeRoleWithWebIdentity 1, GetExperimentRun 1', 'a web identity');
my $other = join '.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"me"}', 'y' x 256;
$emulator->mutate('set_web_identity_token', token => $other);
unlink "$dir/token";
append_to_file("$dir/token", $other);
$emulator->mutate('expire_sessions');
is(reads($session, 'ambient'), 'AssumeRoleWithWebIdentity 1, GetExperimentRun 2', '... whose token has changed meanwhile');
$session = session(%web_variables);
$emulator->faults({ kind => 'status', status => 400, body => '<ErrorResponse><Error><Type>Sender</Type><Code>IDPCommunicationError</Code><Message>later</Message></Error></ErrorResponse>',
	operation => 'AssumeRoleWithWebIdentity', times => 2 });
is(reads($session, 'ambient'), 'AssumeRoleWithWebIdentity 3, GetExperimentRun 1', '... and whose provider was away');
$emulator->reset;

# what was read as one identity is not served to another
server('kept', ambient_credentials => 'true', cache_ttl => '1h');
append_to_file("$dir/changing", "[default]\naws_access_key_id = $access_key\naws_secret_access_key = $secret_key\n");
$session = session(AWS_SHARED_CREDENTIALS_FILE => "$dir/changing");
is(reads($session, 'kept'), 'GetExperimentRun 1', 'a document that is kept');
is(reads($session, 'kept'), 'none', '... is served again');
append_to_file("$dir/changing", "aws_access_key_id = AKIDOTHER\naws_secret_access_key = other-secret\n");
is(reads($session, 'kept'), 'GetExperimentRun 1', '... but not when the profile has changed');
is(reads($session, 'kept'), 'none', '... and then again');
$session = session();
is(reads($session, 'kept'), 'GetExperimentRun 1, MetadataCredentials 1, MetadataRole 1, MetadataToken 1', 'one of an instance');
$emulator->mutate('expire_sessions');
is($session->query('SELECT count(*) > 0 FROM kept.environments'), 't', '... whose credentials expire');
is(reads($session, 'kept'), 'none', '... is served again to the same role');
$emulator->mutate('set_instance_role', name => 'Other');
$emulator->mutate('expire_sessions');
is($session->query(q{SELECT count(*) > 0 FROM kept.configuration_profiles}), 't', '... which gets another one');
is(reads($session, 'kept'), 'GetExperimentRun 1', '... and not to that');
is($session->query(q{SELECT string_agg(operation || ' ' || calls, ', ' ORDER BY operation) FROM appconfig_fdw_stats()
	WHERE operation LIKE 'Metadata%'}), 'MetadataCredentials 3, MetadataRole 3, MetadataToken 3', 'statistics count the calls for credentials, once each');

# clocks
$emulator->mutate('set_clock', seconds => 7200);
$session = session();
$node->safe_psql('postgres', "CREATE USER MAPPING FOR CURRENT_USER SERVER ambient OPTIONS ($keys, role_arn '$arn/ReportReader')");
is(reads($session, 'ambient'), 'AssumeRole 2, GetExperimentRun 2', 'a clock that is two hours behind is put right, for STS as well');
is(reads($session, 'ambient'), 'GetExperimentRun 1', '... and the hour of the role is one of AWS');
$emulator->mutate('set_clock', seconds => 0);
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER ambient');

done_testing();
