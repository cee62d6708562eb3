# What README.md says of credentials, run: its recipes, each in an environment that it is for, and that the recipe for
# keys leaves them nowhere, where the plain statement leaves them everywhere.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use MIME::Base64 qw(encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $emulator = start_emulator();
my $url = $emulator->url;
my $readme = slurp_file("$FindBin::RealBin/../../README.md");

# block(KIND, NAME): the code block behind such a comment of the README
sub block
{
	my ($kind, $name) = @_;
	my $marker = defined $name ? "$kind: $name" : $kind;
	my ($text) = $readme =~ /^<!-- \Q$marker\E -->\n```\w*\n(.*?)^```$/ms;

	die "README.md has no block $marker" unless defined $text;
	return $text;
}

# nothing of the machine that the test runs on
delete $ENV{$_} foreach grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = $dir;
$ENV{AWS_EC2_METADATA_SERVICE_ENDPOINT} = $url;
my $node = new_node('recipes', "shared_preload_libraries = 'pg_stat_statements'", 'log_statement = all');
add_environment($node);
$node->safe_psql('postgres', q{
	CREATE EXTENSION pg_stat_statements;
	CREATE ROLE dba SUPERUSER LOGIN;
	CREATE ROLE analyst LOGIN});

# ---------------------------------------------------------------------
# Each source
# ---------------------------------------------------------------------

# set_up(USER): what the README has made, by this user, with the emulator in AWS's place
sub set_up
{
	my ($user) = @_;
	my $sql = block('setup') =~ s/CREATE EXTENSION appconfig_fdw;//r;

	$node->safe_psql('postgres', qq{
		DROP SERVER IF EXISTS appconfig CASCADE;
		DROP SCHEMA IF EXISTS appconfig;
		$sql
		ALTER SERVER appconfig OPTIONS (ADD endpoint '$url', ADD sts_endpoint '$url');
		ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig
			OPTIONS (SET access_key_id '$access_key', SET secret_access_key '$secret_key');
		GRANT USAGE ON FOREIGN SERVER appconfig TO analyst},
		extra_params => [ '-U', $user ]);
}

# printed(SQL, VARIABLE => VALUE, ...): what psql prints of it, errors included, in a session with this environment
sub printed
{
	my ($sql, %environment) = @_;
	my $set = join '', map { "SELECT set_environment('$_', '$environment{$_}');\n" } sort keys %environment;
	my $output = '';

	IPC::Run::run([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-U', 'dba', '-P', 'footer=off', '-P', 'null=-' ],
		'<', \"\\o /dev/null\n$set\\o\n$sql", '>', \$output, '2>&1');
	return $output =~ s/^psql:<stdin>:\d+: //mgr =~ s/ +$//mgr =~ s/\n+\z/\n/r;
}

append_to_file("$dir/config", block('recipe', 'config') =~ s/AKIAIOSFODNN7EXAMPLE/$access_key/r =~ s/wJalr\S+/$secret_key/r);
append_to_file("$dir/token", join '.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"me"}', 'x' x 256);

my %files = (AWS_CONFIG_FILE => "$dir/config");
my @recipes = (
	[ 'none' ],
	[ 'ec2' ],
	[ 'eks', AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => 'arn:aws:iam::111122223333:role/PodReader' ],
	[ 'profile', %files ],
	[ 'sso', %files ],
	[ 'role' ],
	[ 'confine' ],
);

foreach (@recipes)
{
	my ($name, %environment) = @$_;

	set_up('dba') unless $name eq 'sso';
	is(printed(block('recipe', $name), %environment), block('printed', $name), "the recipe \"$name\" prints what README.md says");
}

# in ~/.aws/config, where no variable names another
mkdir "$dir/.aws";
rename "$dir/config", "$dir/.aws/config";
set_up('dba');
is(printed(block('recipe', 'profile')), block('printed', 'profile'), '... and "profile" as well where HOME has the files');

# ---------------------------------------------------------------------
# Where statements are kept
# ---------------------------------------------------------------------

my $history = "$dir/history";
my $program = "$dir/aws";
my $access = 'ASIATEMPORARY';
my $token = 'temporary-token';
my $secret = 'temporary-secret';

# write_program(TEXT): the command that the recipe names prints this from now on
sub write_program
{
	my ($text) = @_;

	unlink $program;
	append_to_file($program, qq{#!/bin/sh
test "\$*" = 'configure export-credentials --format process' || exit 1
cat <<'END'
${text}END
});
	chmod 0755, $program;
}

write_program(qq{{
  "Version": 1,
  "AccessKeyId": "$access",
  "SecretAccessKey": "$secret",
  "SessionToken": "$token",
  "Expiration": "2030-01-01T00:00:00+00:00"
}
});

# type_in(USER, TEXT): somebody types it into psql at a terminal; what is on the screen
sub type_in
{
	my ($user, $text) = @_;
	my $psql = join ' ', 'psql', '-X', '-d', "'" . $node->connstr('postgres') . "'", '-U', $user;
	my $screen = '';

	local $ENV{PSQL_HISTORY} = $history;
	local $ENV{PATH} = "$dir:$ENV{PATH}";
	local $ENV{TERM} = 'dumb';
	unlink $history;
	IPC::Run::run([ 'script', '--quiet', '--command', $psql, '/dev/null' ], '<', \"$text\n\\q\n", '>', \$screen, '2>&1');
	ok(-s $history, "psql has a history of what $user types") or diag($screen);
	return $screen;
}

# kept(): who has one of the secrets since the last forget()
sub kept
{
	my %texts = (
		history => slurp_file($history),
		log => slurp_file($node->logfile),
		pg_stat_statements => $node->safe_psql('postgres', 'SELECT query FROM pg_stat_statements'),
	);

	ok(length $texts{$_}, "there is something in the $_") foreach sort keys %texts;
	return join ' ', grep { $texts{$_} =~ /\Q$secret\E|\Q$token\E/ } sort keys %texts;
}

sub forget
{
	$node->safe_psql('postgres', 'SELECT pg_stat_statements_reset()');
	truncate $node->logfile, 0;
}

# The options of the analyst's mapping
sub keys_of_analyst
{
	return $node->safe_psql('postgres', q{
		SELECT array_to_string(umoptions, ' ') FROM pg_user_mappings WHERE usename = 'analyst' AND srvname = 'appconfig'});
}

my $recipe = block('recipe', 'keys');
my $options = "access_key_id=$access secret_access_key=$secret session_token=$token";
my $naive = "CREATE USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS (access_key_id '$access', secret_access_key '$secret', session_token '$token');";

set_up('dba');

# the plain statement
forget();
type_in('analyst', $naive);
is(kept(), 'history log pg_stat_statements', 'CREATE USER MAPPING is kept with its secrets');
is(keys_of_analyst(), $options, '... and does what it says');
my $session = open_session($node);
# which is refused, as there is one
$session->run('SET ROLE analyst; ' . $naive =~ s/;$//r);
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND strpos(query, '$secret') > 0"),
	'1', '... also in pg_stat_activity');
undef $session;

# the recipe, with and without a mapping before it
foreach my $when ('in the place of others', 'as the first')
{
	$node->safe_psql('postgres', $when =~ /place/
		? q{ALTER USER MAPPING FOR analyst SERVER appconfig OPTIONS (SET access_key_id 'AKIDOTHER', DROP session_token)}
		: 'DROP USER MAPPING FOR analyst SERVER appconfig');
	forget();
	type_in('analyst', $recipe);
	is(kept(), '', "the recipe sets keys, $when, that nobody keeps");
	is(keys_of_analyst(), $options, '... those that the program has printed');
}
like(slurp_file($history), qr/new_keys/, 'its own text is in the history');
like(slurp_file($node->logfile), qr/CREATE USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS \(access_key_id %L/, '... and in the log');
is(printed("SET ROLE analyst; SELECT arn FROM appconfig_fdw_whoami('appconfig') \\g (format=unaligned tuples_only=on)"),
	"arn:aws:iam::111122223333:user/temporary\n", 'the analyst signs with them');

# from a file, with lasting keys, as one line
write_program(qq{{"Version":1,"AccessKeyId":"AKIDOTHER","SecretAccessKey":"$secret"}\n});
append_to_file("$dir/renew.sql", $recipe);
forget();
{
	local $ENV{PATH} = "$dir:$ENV{PATH}";
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-U', 'analyst', '-f', "$dir/renew.sql" ],
		'the recipe runs from a file');
}
is(keys_of_analyst(), "access_key_id=AKIDOTHER secret_access_key=$secret", '... and needs no session token');
is(kept(), '', '... which nobody keeps');

# what can go wrong
my %wrong = (
	'no JSON' => [ "AccessKeyId $access SecretAccessKey $secret SessionToken $token\n", qr/22P02: invalid input syntax for type json/ ],
	'JSON that is cut' => [ qq<{"AccessKeyId": "$access", "SecretAccessKey": "$secret", "Sessio\n>, qr/22P02/ ],
	'a key that is none' => [ qq{{"AccessKeyId": "$access", "SecretAccessKey": "$secret \\u00e4", "SessionToken": "$token"}\n}, qr/22023/ ],
	'tabs and backslashes' => [ qq{{"AccessKeyId":\t"$access",\t"SecretAccessKey":\t"$secret\\\\",\t"SessionToken": "$token\\\\."}\n}, undef ],
	'other members' => [ qq{{"Credentials": {"AccessKeyId": "$access", "SecretAccessKey": "$secret"}}\n}, qr/ERROR/ ],
	'nothing' => [ '', qr/ERROR/ ],
);

foreach my $name (sort keys %wrong)
{
	my ($text, $error) = @{ $wrong{$name} };
	my $before = keys_of_analyst();
	my $screen;

	write_program($text);
	forget();
	$screen = type_in('analyst', "\\set VERBOSITY verbose\n$recipe");
	unlike($screen, qr/\Q$secret\E|\Q$token\E/, "a program that prints $name: the screen shows no secret");
	is(kept(), '', '... and nobody keeps one');
	$error ? like($screen, $error, '... the error is told') : unlike($screen, qr/ERROR/, '... there is no error');
	is(keys_of_analyst() eq $before, defined $error, '... and the keys before it stay where there is one');
}
write_program(qq{{"AccessKeyId": "$access", "SecretAccessKey": "$secret"}\n});
forget();
like(type_in('analyst', $recipe =~ s/SERVER appconfig/SERVER nowhere/gr), qr/ERROR:  server "nowhere" does not exist/, 'a server that is not there');
is(kept(), '', '... leaves no secret either');
forget();
type_in('analyst', $recipe =~ s/SERVER appconfig/SERVER nowhere/gr =~ s/^EXCEPTION.*?^END/END/msr =~ s/DROP USER MAPPING.*\n//r);
is(kept(), 'log', '... but would without the end of the recipe');

# pg_stat_statements that keeps what is inside of other statements, too
$node->append_conf('postgresql.conf', 'pg_stat_statements.track = all');
$node->reload;
$node->poll_query_until('postgres', q{SELECT current_setting('pg_stat_statements.track') = 'all'});
forget();
type_in('analyst', $recipe);
is(kept(), 'pg_stat_statements', 'pg_stat_statements.track = all keeps statements of statements');
$node->safe_psql('postgres', block('recipe', 'track'));
forget();
type_in('analyst', $recipe);
is(kept(), '', '... unless it is set otherwise for the role');

done_testing();
