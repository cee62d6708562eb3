# Whatever those say who give out credentials, a query gets its rows or one clean error, and the session goes on.
#
# Each fault is met twice by each endpoint: when credentials are got for the first time, where it is an error, and when
# they are renewed while the old ones live, where it is nothing but a line in the log.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use IO::Socket::INET;
use JSON::PP;
use MIME::Base64 qw(encode_base64url);
use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $emulator = start_emulator();
my $url = $emulator->url;
my $arn = 'arn:aws:iam::111122223333:role';

# nothing of the machine that the test runs on
delete $ENV{$_} foreach grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = $dir;
append_to_file("$dir/token", join('.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"me"}', 'x' x 256));
append_to_file("$dir/config", "[default]\nrole_arn = $arn/ReportReader\ncredential_source = Ec2InstanceMetadata\n");
my %environment = (
	AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$arn/PodReader",
	AWS_CONTAINER_CREDENTIALS_FULL_URI => "$url/container/credentials/task",
	AWS_EC2_METADATA_SERVICE_ENDPOINT => $url, AWS_METADATA_SERVICE_TIMEOUT => '1', AWS_CONFIG_FILE => "$dir/config",
);
@ENV{ keys %environment } = values %environment;
my $node = new_node('credential_faults', 'log_min_messages = log', 'log_statement = none');
add_environment($node);

# A port at which nobody listens, as the socket is closed again
my $closed = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "cannot listen: $!";
my $nobody = 'http://127.0.0.1:' . $closed->sockport;
close $closed;

# Each server has one source.  STS is asked twice at most, within a second, and once if it throttles; a container thrice,
# and an instance once, or thrice if it answers with a 5xx.
my %servers = (
	own => {}, role => { role_arn => "$arn/ReportReader" }, web => { ambient_credentials => 'web_identity' },
	container => { ambient_credentials => 'container' }, instance => { ambient_credentials => 'instance' },
	profile => { ambient_credentials => 'profile' },
);
foreach my $server (sort keys %servers)
{
	create_server($node, $server, $url, sts_endpoint => $url, max_attempts => 2, throttle_timeout => 0, request_timeout => '1s', max_response_size => '1MB', %{ $servers{$server} });
	$node->safe_psql('postgres', "DROP USER MAPPING FOR CURRENT_USER SERVER $server") if $servers{$server}{ambient_credentials};
}

my $session = open_session($node);
my $pid = $session->query('SELECT pg_backend_pid()');

# ---------------------------------------------------------------------
# Endpoints
# ---------------------------------------------------------------------

my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

# What is asked of each: the query, and the answer that is right
sub look
{
	my ($server) = @_;

	return (sql => "SELECT run FROM $server.experiment_runs WHERE $run", row => '1', server => $server);
}

my @targets = (
	{ operation => 'AssumeRole', kind => 'sts', look('role') },
	{ operation => 'AssumeRoleWithWebIdentity', kind => 'sts', look('web') },
	{
		operation => 'GetCallerIdentity', kind => 'caller', server => 'own', row => '111122223333',
		sql => "SELECT account FROM appconfig_fdw_whoami('own')"
	},
	{ operation => 'ContainerCredentials', kind => 'container', look('container') },
	{ operation => 'MetadataCredentials', kind => 'instance', look('instance') },
	{ operation => 'MetadataRole', kind => 'name', look('instance') },
	{ operation => 'MetadataToken', kind => 'token', look('instance') },
);

# A successful answer to the operation, with these members in place of right ones; undef leaves one out
sub answer
{
	my ($operation, %members) = @_;
	my $token = $operation =~ /^Assume/ ? 'SessionToken' : 'Token';
	my %all = (AccessKeyId => 'ASIAX', SecretAccessKey => 'x' x 40, $token => 'y' x 300, Expiration => '2099-01-01T00:00:00Z', %members);

	$all{$token} = delete $all{AnyToken} if exists $all{AnyToken};
	delete @all{ grep { !defined $all{$_} } keys %all };
	my $keys = JSON::PP::encode_json(\%all) =~ s/"RAW:([^"]*)"/$1/r;
	return $keys unless $operation =~ /^Assume/;
	return qq({"${operation}Response":{"${operation}Result":{"Credentials":$keys}}});
}

# ---------------------------------------------------------------------
# Faults
# ---------------------------------------------------------------------

# How each kind of endpoint fares: SQLSTATE and how often it is asked.  An instance is asked where there is nothing
# else, so what goes wrong there leaves a user without credentials, which is 28000.
my %classes = (
	# the service's own rules: what may be different the next time is tried again
	lost => { sts => 'HV00M 2', container => 'HV00M 3', instance => '28000 1' },
	failing => { sts => 'HV000 2', container => 'HV000 3', instance => '28000 3' },
	late => { sts => 'HV000 2', container => 'HV000 3', instance => '28000 1' },
	throttling => { sts => '53400 1', container => '53400 3', instance => '28000 1' },
	# and what won't, isn't
	unreadable => { sts => 'HV000 1', container => 'HV000 1', instance => '28000 1' },
	refusing => { sts => 'HV000 1', container => '28000 1', instance => '28000 1' },
	unknown => { sts => '28000 1', container => '28000 1', instance => '28000 1' },
	denying => { sts => '42501 1', container => '28000 1', instance => '28000 1' },
	none => { sts => 'row 1', container => 'row 1', instance => 'row 1' },
);

# A name or a token is a text: one that is wrong and looks right is found out by the next question
my %texts = (name => '28000 2 MetadataCredentials', token => '28000 1 MetadataRole');

# name, class, rule, and what is another thing at some kind of endpoint; undef where the fault makes no sense
my @faults = (
	# libcurl itself repeats what it has sent over a kept connection in vain
	[ 'a reset', 'lost', { kind => 'reset' }, sts => 'HV00M 2-3', caller => 'HV00M 2-3', container => 'HV00M 3-4', map { $_ => '28000 1-2' } qw(instance name token) ],
	[ 'a reset in the body', 'lost', { kind => 'reset-midbody' } ],
	[ 'a body that is cut', 'lost', { kind => 'truncate' } ],
	[ 'chunks', 'none', { kind => 'chunked', bytes => 7 } ],
	[ 'chunks that are cut', 'lost', { kind => 'chunked-truncate', bytes => 7 } ],
	[ 'a connection that is closed behind the answer', 'none', { kind => 'close' } ],
	[ 'another answer that nobody asked for', 'none', { kind => 'unasked' } ],
	[ 'no answer', 'lost', { kind => 'hang' } ],
	[ 'a body that drips', 'lost', { kind => 'drip', ms => 900 } ],
	[ 'half of the JSON', 'unreadable', { kind => 'malformed' }, %texts ],
	[ 'all bytes there are', 'unreadable', { kind => 'garbage-bytes' } ],
	[ 'JSON and more', 'unreadable', { kind => 'trailing-garbage' }, name => '28000 1', token => '28000 1' ],
	[ 'deep JSON', 'unreadable', { kind => 'deep' }, name => '28000 1', token => '28000 1' ],
	[ 'bytes that are no UTF-8', 'unreadable', { kind => 'invalid-utf8' } ],
	[ 'characters that are NUL', 'unreadable', { kind => 'nul-escape' } ],
	[ 'members of another type', 'unreadable', { kind => 'wrong-type' }, caller => undef, name => undef, token => undef ],
	[ 'an array', 'unreadable', { kind => 'not-object' }, %texts ],
	[ 'members twice', 'none', { kind => 'duplicate-members' }, name => undef, token => undef ],
	[ 'a redirect', 'unreadable', { kind => 'redirect', location => 'http://127.0.0.1:1/' } ],
	[ 'a page of 300 kB', 'unreadable', { kind => 'huge', bytes => 300_000 }, sts => 'row 1', caller => 'row 1' ],
	[ 'a page of 20 MB', 'unreadable', { kind => 'huge', bytes => 20_000_000 } ],
	[ 'an HTML page with 503', 'failing', { kind => 'html503' } ],
	[ 'throttling', 'throttling', { kind => 'throttle' } ],
	[ 'an internal error', 'failing', { kind => 'error500' } ],
	[ 'unavailable', 'failing', { kind => 'unavailable503' } ],
	[ 'a content encoding', 'unreadable', { kind => 'encoded' } ],
	[ 'interim answers for ever', 'unreadable', { kind => 'endless-interim' } ],
	[ 'headers for ever', 'unreadable', { kind => 'endless-headers' } ],
	[ 'a header line for ever', 'unreadable', { kind => 'endless-header-line' } ],
	[ 'a chunk extension for ever', 'unreadable', { kind => 'endless-chunk-extension' } ],
	[ 'nothing, deflated, for ever', 'unreadable', { kind => 'endless-deflate' } ],
	[ 'a name, gzipped, for ever', 'unreadable', { kind => 'endless-gzip-name' } ],
	map([ "status $_->[0]", $_->[1], { kind => 'status', status => $_->[0] } ],
		[ 400, 'refusing' ], [ 401, 'unknown' ], [ 403, 'denying' ], [ 405, 'refusing' ], [ 408, 'late' ],
		[ 429, 'throttling' ], [ 500, 'failing' ], [ 502, 'failing' ], [ 503, 'failing' ], [ 504, 'failing' ],
		[ 201, 'unreadable' ], [ 204, 'unreadable' ]),
	# the role may have another name meanwhile, so it is asked for once more
	[ 'status 404', 'refusing', { kind => 'status', status => 404 }, instance => '28000 2' ],
	[ 'an empty answer', 'unreadable', { kind => 'status', status => 200, body => '' } ],
	[ 'an empty object', 'unreadable', { kind => 'status', status => 200, body => '{}' }, %texts ],
	[ 'blanks', 'unreadable', { kind => 'status', status => 200, body => "  \r\n" } ],
	[ 'a page', 'unreadable', { kind => 'status', status => 200, body => '<html><body>Welcome</body></html>' }, token => '28000 1 MetadataRole' ],
);

# Answers of which one member is wrong
foreach (
	[ 'an expiry that is no date', Expiration => 'soon' ], [ 'an expiry on a day that is none', Expiration => '2026-02-30T00:00:00Z' ],
	[ 'an expiry in words', Expiration => 'NaN' ], [ 'an expiry that is NaN', Expiration => 'RAW:NaN' ],
	[ 'a negative expiry', Expiration => 'RAW:-1' ], [ 'an expiry of 0', Expiration => 'RAW:0' ],
	[ 'an expiry that never comes', Expiration => 'RAW:1e300' ], [ 'an expiry that overflows', Expiration => 'RAW:1e999' ],
	[ 'an expiry of long ago', Expiration => '1970-01-01T00:00:00Z' ], [ 'no expiry', Expiration => undef ], [ 'an expiry that is null', Expiration => 'RAW:null' ],
	[ 'no key', AccessKeyId => undef ], [ 'an empty key', AccessKeyId => '' ], [ 'a key with a line break', AccessKeyId => "ASIA\nX: y" ],
	[ 'a key with blanks', AccessKeyId => ' ASIAX ' ], [ 'a key beyond ASCII', AccessKeyId => "\x{e9}" ],
	[ 'a secret with a line break', SecretAccessKey => "x\r\nX: y" ], [ 'no secret', SecretAccessKey => undef ],
	[ 'a token with a line break', AnyToken => "y\r\nX-Other: z" ], [ 'no token', AnyToken => undef ],
	[ 'a token of 1 MB', AnyToken => 'y' x 2**20 ],
)
{
	my ($name, @member) = @$_;

	push @faults, [ $name, 'unreadable', { member => \@member }, caller => undef, name => undef, token => undef ];
}

# Names and tokens, for which nothing else is asked
my @texts = (
	[ 'name', 'a path for a name', '../../api/token', '28000 1' ], [ 'name', 'dots for a name', '..', '28000 1' ],
	[ 'name', 'a dot for a name', '.', '28000 1' ], [ 'name', 'an encoded path', '%2e%2e', '28000 1' ],
	[ 'name', 'a query', 'a?b=c', '28000 1' ], [ 'name', 'a blank in a name', 'a b', '28000 1' ],
	[ 'name', 'two names', "InstanceRole\nOther\n", 'row 1' ], [ 'name', 'a long name', 'r' x 129, '28000 1' ],
	[ 'token', 'a token of two lines', "a\r\nX-Forwarded-For: b", '28000 1 MetadataRole' ],
	[ 'token', 'a blank in a token', 'a b', '28000 1' ], [ 'token', 'a token of 1 MB', 'a' x 2**20, '28000 1' ],
	[ 'token', 'a token of 5 kB', 'a' x 5000, '28000 1' ], [ 'token', 'a token beyond ASCII', "\xc3\xa9", '28000 1' ],
);

# ---------------------------------------------------------------------
# What is checked
# ---------------------------------------------------------------------

sub count_descriptors
{
	return scalar grep { defined && /^(socket|pipe|anon_inode):/ } map { readlink } glob "/proc/$pid/fd/*";
}

my $log_end = 0;

# What has been logged since it was asked last, but for statements that set options
sub logged
{
	my $log = substr(slurp_file($node->logfile), $log_end);

	$log_end += length $log;
	return $log;
}

# What is wrong with the calls, "2" or "2-3", and whether the metadata service was asked without a token
sub wrong_calls
{
	my ($operation, $wanted) = @_;
	my ($least, $most) = split /-/, $wanted;
	my $stats = $emulator->stats;
	my $calls = $stats->{operations}{$operation} // 0;

	return ($calls >= $least && $calls <= ($most // $least) ? () : "$calls calls of $operation, not $wanted",
		$stats->{without_token} == 0 ? () : 'a request without a token');
}

# What is wrong with an error, of which there must be one, that names the operation
sub wrong_error
{
	my ($out, $err, $sqlstate, $operation) = @_;
	my @errors = $err =~ /^psql:.*(?:ERROR|FATAL|PANIC): /mg;

	return (sqlstate_of($err) eq $sqlstate && @errors == 1 && $out eq '' ? () : "not one error $sqlstate: $out $err",
		$err =~ /DETAIL:.*\b$operation failed/ ? () : "which does not name $operation: $err");
}

# What is wrong when the query is run that must give its row, without a word
sub wrong_row
{
	my ($target, $when) = @_;
	my ($out, $err) = $session->run($target->{sql});

	return $out eq $target->{row} && $err eq '' ? () : "no row $when: $out $err";
}

# Lets credentials be near their end.  Those of an instance that has not got new ones serve on, and nobody asks for
# others; so it is AWS's clock that has advanced, as a call to STS tells.
sub age
{
	my ($target) = @_;

	return unless $target->{server} eq 'instance';
	$emulator->faults({ kind => 'date', operation => 'GetCallerIdentity', date => strftime('%a, %d %b %Y %T GMT', gmtime(time + 46 * 60)) });
	$session->query("SELECT FROM appconfig_fdw_whoami('instance')");
}

# What is wrong with the renewal of credentials that live for another 14 minutes
sub wrong_renewal
{
	my ($target, $rule, $is_fault, $tries, $named) = @_;
	my @wrong;

	age($target);
	logged();
	$emulator->clear;
	$emulator->faults($rule);
	push @wrong, wrong_row($target, 'while they are renewed'), wrong_calls($target->{operation}, $tries);
	my $log = logged();
	push @wrong, "log: $log"
	  unless $is_fault
	  ? $log =~ /^[^\n]*LOG:  could not renew AWS credentials of foreign server "$target->{server}"\n[^\n]*DETAIL:  [^\n]*\b$named failed[^\n]*\n[^\n]*HINT:  The old ones [^\n]*\n\z/
	  : $log eq '';
	# tried again when it is time, not with each statement
	$emulator->clear;
	push @wrong, wrong_row($target, 'after it'), $is_fault ? wrong_calls($target->{operation}, 0) : ();
	return @wrong;
}

# A new session with the server in the same backend, which has no credentials
sub forget
{
	my ($server) = @_;

	$session->query("ALTER SERVER $server OPTIONS (SET max_attempts '2')");
}

# check(TARGET, NAME, RULE, 'SQLSTATE CALLS [OPERATION]')
sub check
{
	my ($target, $name, $rule, $outcome) = @_;
	my ($sqlstate, $tries, $named) = split / /, $outcome;
	my $is_fault = $sqlstate ne 'row';
	my @wrong;

	$named //= $target->{operation};
	$rule = { operation => $target->{operation}, %$rule };
	forget($target->{server});
	my $descriptors = $target->{descriptors} //= do { $session->query($target->{sql}); forget($target->{server}); count_descriptors() };
	$emulator->clear;
	$emulator->faults($rule);
	push @wrong, $is_fault ? wrong_error($session->run($target->{sql}), $sqlstate, $named) : wrong_row($target, 'at first');
	push @wrong, wrong_calls($target->{operation}, $tries);
	$emulator->faults();
	push @wrong, wrong_row($target, 'after the fault');
	push @wrong, wrong_renewal($target, $rule, $is_fault, $tries, $named) unless $target->{kind} eq 'caller';
	$emulator->faults();
	my $after = count_descriptors();
	push @wrong, "$after descriptors, not $descriptors" if $after > $descriptors;
	is(join("\n", @wrong), '', "$target->{operation}: $name");
}

# ---------------------------------------------------------------------

$emulator->mutate('set_lifetime', operation => $_, seconds => 14 * 60)
  foreach qw(AssumeRole AssumeRoleWithWebIdentity ContainerCredentials);

my %class_of = (sts => 'sts', caller => 'sts', container => 'container', instance => 'instance', name => 'instance', token => 'instance');

foreach my $target (@targets)
{
	foreach (@faults)
	{
		my ($name, $class, $rule, %other) = @$_;
		my $kind = $target->{kind};
		my $outcome = exists $other{$kind} ? $other{$kind} : $classes{$class}{ $class_of{$kind} };

		next unless defined $outcome;
		$rule = { kind => 'status', status => 200, body => answer($target->{operation}, @{ $rule->{member} }) } if $rule->{member};
		check($target, $name, $rule, $outcome);
	}
	foreach (grep { $_->[0] eq $target->{kind} } @texts)
	{
		my (undef, $name, $body, $outcome) = @$_;

		check($target, $name, { kind => 'status', status => 200, body => $body }, $outcome);
	}
}

# ---------------------------------------------------------------------
# Nobody is there
# ---------------------------------------------------------------------

# A session whose backend has these variables besides those of the server
sub session
{
	my (%variables) = @_;
	my $new = open_session($node);

	$new->query("SELECT set_environment('$_', '$variables{$_}')") foreach sort keys %variables;
	return $new;
}

foreach (
	[ 'role', 'AssumeRole', 'HV00N', {} ], [ 'web', 'AssumeRoleWithWebIdentity', 'HV00N', {} ],
	[ 'container', 'ContainerCredentials', 'HV00N', { AWS_CONTAINER_CREDENTIALS_FULL_URI => "$nobody/x" } ],
	[ 'instance', 'MetadataToken', '28000', { AWS_EC2_METADATA_SERVICE_ENDPOINT => $nobody } ],
	# where a profile says that it is an instance, its own error is the reason
	[ 'profile', 'MetadataToken', 'HV00N', { AWS_EC2_METADATA_SERVICE_ENDPOINT => $nobody } ],
)
{
	my ($server, $operation, $sqlstate, $variables) = @$_;
	my $new = session(%$variables);
	my $sql = "SELECT run FROM $server.experiment_runs WHERE $run";

	$node->safe_psql('postgres', "ALTER SERVER $server OPTIONS (SET sts_endpoint '$nobody')");
	is(join("\n", wrong_error($new->run($sql), $sqlstate, $operation)), '', "$operation: nobody answers, server $server");
	$node->safe_psql('postgres', "ALTER SERVER $server OPTIONS (SET sts_endpoint '$url')");
	$new->query("SELECT set_environment('$_', '$environment{$_}')") foreach sort keys %$variables;
	is($new->query($sql), '1', '... and then somebody does');
}
$emulator->faults({ kind => 'status', status => 403, operation => 'MetadataRole' });
$session->query("ALTER SERVER profile OPTIONS (SET max_attempts '2')");
is(join("\n", wrong_error($session->run("SELECT run FROM profile.experiment_runs WHERE $run"), '28000', 'MetadataRole')), '',
	'MetadataRole: a profile whose instance refuses');
$emulator->faults();

# ---------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------

# Each of these fails; and each failure takes the same memory as the one before
$session->query(q{
	CREATE FUNCTION fail(sql text, times int) RETURNS int LANGUAGE plpgsql AS $$
	DECLARE
		failures int := 0;
	BEGIN
		FOR i IN 1 .. times LOOP
			BEGIN
				EXECUTE sql;
			EXCEPTION WHEN OTHERS THEN
				failures := failures + 1;
			END;
		END LOOP;
		RETURN failures;
	END
	$$;
	CREATE VIEW kept AS SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'appconfig_fdw%'});
$emulator->faults({ kind => 'status', status => 403 });
create_server($node, 'nothing', $url, ambient_credentials => 'environment');
$node->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER nothing');
foreach my $server (qw(role web container instance profile nothing))
{
	my $fail = "SELECT fail('SELECT FROM $server.applications', 100)";

	is($session->query($fail), 100, "server $server fails");
	my $before = $session->query('TABLE kept');
	is($session->query($fail), 100, '... each time');
	cmp_ok($session->query('TABLE kept') - $before, '<', 4096, '... and keeps no memory');
}
$emulator->faults();

is($session->query('SELECT pg_backend_pid()'), $pid, 'it was one backend all the time');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|WARNING/, '... which nothing has harmed');

done_testing();
