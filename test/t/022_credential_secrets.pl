# What is sent and got for credentials is in no log line, error, plan or view, nor in the environment of other
# processes, and when the session with a server ends it is not left in memory.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use Digest::SHA qw(sha256);
use JSON::PP;
use MIME::Base64 qw(encode_base64 encode_base64url);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $emulator = start_emulator();
my $url = $emulator->url;
my $arn = 'arn:aws:iam::111122223333:role';

# ---------------------------------------------------------------------
# Secrets
# ---------------------------------------------------------------------

# Bytes that look random but are the same every time, as the emulator makes them (credentials.py)
sub bytes
{
	my ($what, $number, $size) = @_;

	return substr(join('', map { sha256("$what $number $_") } 0 .. $size / 32), 0, $size);
}

my $identity = join '.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"system:serviceaccount:default:reports"}',
  bytes('signature', 1, 600);
my $authorization = 'Bearer ' . encode_base64(bytes('authorization', 1, 120), '');
my $task = unpack('H*', bytes('task', 1, 16));
my $metadata_token = encode_base64url(bytes('metadata', 1, 40)) . '==';

# What the emulator has issued under a key
sub issued
{
	my ($key) = @_;
	my ($number) = $key =~ /^ASIAEMULATED0*(\d+)$/ or die "no key of the emulator: $key";

	return (secret => encode_base64(bytes('secret', $number, 30), ''),
		token => 'IQoJb3JpZ2luX2Vj' . encode_base64(bytes('token', $number, 738), ''));
}

my @issued = map { { issued("ASIAEMULATED$_") } } 1 .. 60;
my @metadata_tokens = map { encode_base64(bytes('metadata token', $_, 40), '') =~ tr{+/}{-_}r } 1 .. 60;
# what all tokens begin with tells nothing
my @secrets = ($secret_key, $identity =~ s/^[^.]*\.//r, $authorization =~ s/^Bearer //r, $task, $metadata_token,
	@metadata_tokens, map { ($_->{secret}, substr($_->{token}, 16)) } @issued);

# 16 letters and digits in a row of any secret, whatever stands between them
my %parts;
foreach my $secret (@secrets)
{
	my $reduced = $secret =~ s/[^A-Za-z0-9]//gr;

	$parts{ substr($reduced, $_, 16) } = 1 foreach 0 .. length($reduced) - 16;
}

# Does a text show one of them, however it is encoded?  Of base64 the four ways in which a text can begin in it
sub shows_part
{
	my ($text) = @_;
	my @texts = ($text);

	s/%([0-9a-fA-F]{2})/chr hex $1/ge, s/\\u00([0-9a-fA-F]{2})/chr hex $1/ge, s/&#(\d+);/chr $1/ge for @texts;
	foreach my $word ($text =~ /([A-Za-z0-9+\/]{30,})/g)
	{
		push @texts, map { MIME::Base64::decode_base64(substr($word, $_)) } 0 .. 3;
		push @texts, pack('H*', $1) if $word =~ /^((?:[0-9a-f]{2}){20,})/;
	}
	foreach (@texts)
	{
		my $reduced = s/[^A-Za-z0-9]//gr;

		foreach my $start (0 .. length($reduced) - 16)
		{
			return 1 if $parts{ substr($reduced, $start, 16) };
		}
	}
	return 0;
}

my %encodings = (
	plain => sub { $_[0] },
	percent => sub { $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger },
	'all in percent' => sub { $_[0] =~ s/(.)/sprintf '%%%02x', ord $1/ger },
	escapes => sub { $_[0] =~ s/(.)/sprintf '\\u%04x', ord $1/ger },
	entities => sub { $_[0] =~ s/(.)/sprintf '&#%d;', ord $1/ger },
	base64 => sub { encode_base64("x$_[0]", '') },
	hexadecimal => sub { unpack('H*', $_[0]) },
	part => sub { substr($_[0], 4, 30) },
);
foreach (sort keys %encodings)
{
	ok(shows_part("x $encodings{$_}->($identity =~ s/^[^.]*\.//r) y"), "a secret is found: $_");
}

# ---------------------------------------------------------------------
# A server that logs everything
# ---------------------------------------------------------------------

# nothing of the machine that the test runs on
delete $ENV{$_} foreach grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = $dir;
append_to_file("$dir/identity", "$identity\n");
append_to_file("$dir/authorization", $authorization);
$emulator->mutate('set_container_authorization', value => $authorization);
my %environment = (
	AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/identity", AWS_ROLE_ARN => "$arn/PodReader",
	AWS_CONTAINER_CREDENTIALS_FULL_URI => "$url/container/credentials/$task",
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$dir/authorization",
	AWS_EC2_METADATA_SERVICE_ENDPOINT => $url,
);
@ENV{ keys %environment } = values %environment;
my $node = new_node('credential_secrets', 'log_statement = none', "session_preload_libraries = 'auto_explain'");
add_environment($node);

my %servers = (
	own => {}, role => { role_arn => "$arn/ReportReader" }, web => { ambient_credentials => 'web_identity' },
	container => { ambient_credentials => 'container' }, instance => { ambient_credentials => 'instance' },
	chain => { ambient_credentials => 'container', role_arn => "$arn/ReportReader" },
);
foreach my $server (sort keys %servers)
{
	create_server($node, $server, $url, sts_endpoint => $url, max_attempts => 1, request_timeout => '5s', %{ $servers{$server} });
	$node->safe_psql('postgres', "DROP USER MAPPING FOR CURRENT_USER SERVER $server") if $servers{$server}{ambient_credentials};
}
$node->append_conf('postgresql.conf', $log_everything . 'log_statement = all');
$node->restart;
truncate $node->logfile, 0;

my $all_output = '';
my $session = open_session($node);
my $pid = $session->query('SELECT pg_backend_pid()');
my $environ = slurp_file("/proc/$pid/environ");
$session->query("SET client_min_messages = debug5; CREATE TEMP TABLE environment (line text)");

# Executes SQL: all that the client sees, which is kept, too
sub output
{
	my ($sql) = @_;
	my $text = join "\n", $session->run($sql);

	$all_output .= "$text\n";
	return $text;
}

# The environment that a child of the backend gets
sub environment
{
	return $session->query("TRUNCATE environment; COPY environment FROM PROGRAM 'env'; SELECT line FROM environment ORDER BY line");
}

sub look
{
	my ($server) = @_;

	return "SELECT run AS of_$server FROM $server.experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
}

# Lets the session with a server end, so that the next statement has no credentials
sub forget
{
	my ($server) = @_;

	output("ALTER SERVER $server OPTIONS (SET max_attempts '1')");
}

my $environment = environment();

foreach my $server (sort keys %servers)
{
	like(output(look($server)), qr/^1$/m, "$server: a query");
	like(output("SELECT * FROM appconfig_fdw_whoami('$server')"), qr/111122223333/, '... who that is');
	like(output("EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT $_) " . look($server)), qr/Calls/, "... EXPLAIN, $_") foreach qw(text json xml yaml);
	forget($server);
	like(output("EXPLAIN (ANALYZE, VERBOSE) " . look($server)), qr/Calls/, '... and one that gets credentials');
}
like(output('SELECT * FROM appconfig_fdw_stats()'), qr/AssumeRoleWithWebIdentity/, 'statistics');

# ---------------------------------------------------------------------
# Those who quote what they were sent
# ---------------------------------------------------------------------

# The token that a chain's second role was asked with
forget('chain');
$emulator->clear;
output(look('chain'));
my ($base) = map { $_->{key} } grep { $_->{operation} eq 'AssumeRole' } map { JSON::PP::decode_json($_) } split /\n/, $emulator->ctl('log');
my %base = issued($base);
my $give_token = { kind => 'status', status => 200, body => $metadata_token, operation => 'MetadataToken' };

foreach (
	[ 'AssumeRole', 'chain', 'the token', $base{token} ], [ 'AssumeRole', 'chain', 'the secret', $base{secret} ],
	[ 'AssumeRole', 'role', "a user's secret", $secret_key ],
	[ 'AssumeRoleWithWebIdentity', 'web', 'the identity', $identity =~ s/^[^.]*\.//r ],
	[ 'ContainerCredentials', 'container', 'the authorization', $authorization ],
	[ 'ContainerCredentials', 'container', 'the path', "/container/credentials/$task" ],
	[ 'MetadataRole', 'instance', 'the token', $metadata_token ],
	[ 'MetadataCredentials', 'instance', 'the token', $metadata_token ],
)
{
	my ($operation, $server, $what, $secret) = @$_;
	my @shown;
	my $count = 0;

	foreach my $encoding (sort keys %encodings)
	{
		my $quoted = $encodings{$encoding}->($secret);
		my $bare = $quoted =~ s/[^A-Za-z0-9]//gr;

		foreach my $fault (
			{ status => 403, code => 'AccessDenied', message => "You sent $quoted." },
			{ status => 400, code => 'A' . substr($bare, 0, 99), message => 'No.' },
			{ status => 400, body => JSON::PP::encode_json({ Error => { Code => 'ValidationError', Message => "You sent $quoted." } }) },
			{ status => 400, body => JSON::PP::encode_json({ code => 'A' . substr($bare, 0, 90), message => $quoted }) },
			{ status => 400, body => JSON::PP::encode_json({ __type => "$quoted#No", Message => $quoted }) },
			{ status => 400, body => "<ErrorResponse><Error><Code>ValidationError</Code><Message>You sent $quoted.</Message></Error></ErrorResponse>" },
			{ status => 400, body => '<ErrorResponse><Error><Code>A' . substr($bare, 0, 90) . "</Code><Message>$quoted</Message></Error></ErrorResponse>" },
			{ status => 500, body => "<html><body><h1>$quoted</h1></body></html>" },
			{ status => 200, body => $quoted }, { status => 200, body => "<html>$quoted</html>" },
			{ status => 200, body => JSON::PP::encode_json({ Code => "A$bare", Message => $quoted }) },
			{ status => 200, body => JSON::PP::encode_json({ Code => 'A' . substr($bare =~ s/[0-9]//gr, 0, 40) }) },
			{ status => 403, code => 'AccessDenied', message => 'No.', headers => { 'x-amzn-RequestId' => substr($bare, 0, 100) } },
		)
		{
			forget($server);
			$emulator->faults({ kind => 'status', operation => $operation, %$fault }, $server eq 'instance' ? $give_token : ());
			my $text = output(look($server));

			$count++ if $text =~ /ERROR:  (?:28000|42501|HV000|HV00[A-Z])/;
			push @shown, "$encoding: $text" if shows_part($text);
		}
	}
	$emulator->faults();
	is(join("\n", @shown), '', "$operation: $what shows in no error");
	cmp_ok($count, '>=', 11 * keys %encodings, '... of as many as there are');
}

# while they are awaited
foreach my $server (qw(web container instance))
{
	my $other = open_session($node);

	$emulator->reset(1);
	$emulator->faults({ kind => 'hang', times => 1 });
	my $victim = start_session($node, 'victim', look($server) . ';');
	wait_until('the call', sub { $emulator->stats->{in_flight} == 1 });
	$all_output .= $other->query(q{
		SELECT * FROM pg_stat_activity;
		SELECT pg_log_backend_memory_contexts(pid), pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim';
	});
	$victim->finish;
}
$emulator->reset(1);

# ---------------------------------------------------------------------
# Elsewhere
# ---------------------------------------------------------------------

my $log = slurp_file($node->logfile);
cmp_ok(length($log), '>', 1_000_000, 'much was logged');
like($log, qr/AppConfig call: .*$_/, "... calls of $_")
  foreach qw(AssumeRole AssumeRoleWithWebIdentity ContainerCredentials MetadataToken MetadataRole MetadataCredentials GetCallerIdentity);
ok(!shows_part($log), 'no secret is in the log');
ok(!shows_part($all_output), '... nor in what clients see');
unlike("$log$all_output", qr/AWS4-HMAC-SHA256|Signature=[0-9a-f]|X-Amz-Security-Token|X-aws-ec2-metadata-token:/i, '... nor a header that has one');
is(slurp_file("/proc/$pid/environ"), $environ, 'the environment of the process is as it was');
is(environment(), $environment, '... and what its children get');

# ---------------------------------------------------------------------
# Memory
# ---------------------------------------------------------------------

# Of a user's own keys PostgreSQL has copies of its own, in its caches of the catalog; the path of a container is in the
# environment.  All else has to be gone with the session: from our memory, from libcurl's, which http_memory.c
# overwrites, and from what they have given back to libc.  What is not searched is the stack, and what the kernel has
# of what went through sockets.

# How often 24 bytes of a secret are there, from seven places of it, as what has grown keeps a part
sub count_of
{
	my ($secret) = @_;
	my $step = (length($secret) - 24) / 6;
	my @counts = map { sprintf q{count_in_memory('\x%s')}, unpack('H*', substr($secret, $_ * $step, 24) ^ ("\x55" x 24)) } 0 .. 6;

	return $session->query('SELECT ' . join(' + ', @counts));
}

# Long ones, for which buffers have to grow
$identity = join '.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"me"}', bytes('signature', 2, 9000);
$authorization = 'Bearer ' . encode_base64(bytes('authorization', 2, 4000), '');
foreach ([ 'identity', $identity ], [ 'authorization', $authorization ])
{
	unlink "$dir/$_->[0]";
	append_to_file("$dir/$_->[0]", $_->[1]);
}
$emulator->mutate('set_container_authorization', value => $authorization);
$session = open_session($node);
my @held;
foreach my $server (qw(web container instance role chain))
{
	$emulator->clear;
	is($session->query(look($server)), '1', "$server: a query");
	is(count_of(substr($identity, 64)), 0, '... after which the identity is not left') if $server eq 'web';
	is(count_of(substr($authorization, 7)), 0, '... after which the authorization is not left') if $server eq 'container';
	my ($key) = map { $_->{key} } grep { $_->{operation} eq 'GetExperimentRun' } map { JSON::PP::decode_json($_) } split /\n/, $emulator->ctl('log');
	my %keys = issued($key);
	push @held, [ $server, 'the secret', $keys{secret} ], [ $server, 'the token', substr($keys{token}, 16) ];
	# those of an instance and of a container are the same until they expire
	$emulator->mutate('rotate');
}
foreach (@held)
{
	my ($server, $what, $secret) = @$_;

	cmp_ok(count_of($secret), '>', 0, "$what of $server is found while it is used");
}
$session->query("ALTER SERVER $_ OPTIONS (SET max_attempts '1')") foreach sort keys %servers;
$session->query('SELECT 1; ' . look('own'));
foreach (@held)
{
	my ($server, $what, $secret) = @$_;

	is(count_of($secret), 0, "$what of $server is not left");
}
is(join(' ', grep { count_of($_) > 0 } @metadata_tokens), '', 'nor is a token of the metadata service');

done_testing();
