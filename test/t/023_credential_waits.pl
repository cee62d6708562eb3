# A query that waits for credentials ends when it is cancelled, when its time is over and when its backend is
# terminated, whoever it waits for; and who waits for the same credentials as it does is none the worse.  How fast is
# reported, and only a very slow reaction fails, as in 001_cancel.pl.

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
my $arn = 'arn:aws:iam::111122223333:role';

my $deaf = open_deaf_port();
my $deaf_url = $deaf->url;

# nothing of the machine that the test runs on
delete $ENV{$_} foreach grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = $dir;
append_to_file("$dir/token", join('.', map { encode_base64url($_) } '{"alg":"RS256"}', '{"sub":"me"}', 'x' x 256));
my %environment = (
	AWS_WEB_IDENTITY_TOKEN_FILE => "$dir/token", AWS_ROLE_ARN => "$arn/PodReader",
	AWS_CONTAINER_CREDENTIALS_FULL_URI => "$url/container/credentials/task",
	AWS_EC2_METADATA_SERVICE_ENDPOINT => $url, AWS_METADATA_SERVICE_TIMEOUT => '60',
);
@ENV{ keys %environment } = values %environment;
my $node = new_node('credential_waits', 'log_min_messages = log');
add_environment($node);

my %servers = (
	own => {}, role => { role_arn => "$arn/ReportReader" }, web => { ambient_credentials => 'web_identity' },
	container => { ambient_credentials => 'container' }, instance => { ambient_credentials => 'instance' },
	# what is kept is somebody's, so it is asked who signs before there is any call
	kept => { role_arn => "$arn/ReportReader", cache_ttl => '1h' },
);
foreach my $server (sort keys %servers)
{
	foreach my $sts ($url, $deaf_url)
	{
		my $name = $sts eq $url ? $server : "deaf_$server";

		create_server($node, $name, $url, sts_endpoint => $sts, connect_timeout => '1h', request_timeout => '1h',
			%{ $servers{$server} });
		$node->safe_psql('postgres', "DROP USER MAPPING FOR CURRENT_USER SERVER $name")
		  if $servers{$server}{ambient_credentials};
	}
}

# ---------------------------------------------------------------------
# The places to wait in
# ---------------------------------------------------------------------

sub look
{
	my ($server) = @_;

	return $server =~ /own/
	  ? "SELECT account FROM appconfig_fdw_whoami('$server')"
	  : "SELECT run FROM $server.experiment_runs WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
}

my @places;

foreach (
	[ 'AssumeRole', 'role' ], [ 'AssumeRole', 'kept' ], [ 'AssumeRoleWithWebIdentity', 'web' ], [ 'GetCallerIdentity', 'own' ],
	[ 'ContainerCredentials', 'container', 'AWS_CONTAINER_CREDENTIALS_FULL_URI' ],
	[ 'MetadataToken', 'instance', 'AWS_EC2_METADATA_SERVICE_ENDPOINT' ], [ 'MetadataRole', 'instance' ],
	[ 'MetadataCredentials', 'instance' ],
)
{
	my ($operation, $server, $variable) = @$_;
	my $reached = sub { $emulator->stats->{operations}{$operation} && $emulator->stats->{in_flight} == 1 };

	# once: then the session shows that it is as good as before
	push @places,
	  { name => "an answer to $operation", server => $server, fault => { kind => 'hang', operation => $operation, times => 1 }, reached => $reached },
	  {
		name => "the body of an answer to $operation", server => $server,
		fault => { kind => 'drip', ms => 1000, operation => $operation, times => 1 }, reached => $reached
	  };
	push @places, {
		name => "a connection for $operation", server => $variable ? $server : "deaf_$server", reached => sub { $deaf->is_tried },
		before => $variable ? "SELECT FROM set_environment('$variable', '$deaf_url');" : '',
		after => $variable ? "SELECT FROM set_environment('$variable', '$environment{$variable}');" : '',
	} unless $operation =~ /^Metadata[RC]/;
}
# more than one scan waits for the same
push @places, {
	name => 'credentials for several scans', server => 'container',
	sql => join(' UNION ALL ', map { "SELECT count(*) FROM container.$_" } qw(applications treatments experiment_runs run_events)),
	fault => { kind => 'hang', operation => 'ContainerCredentials', times => 1 },
	reached => sub { $emulator->stats->{in_flight} == 1 },
};

sub begin
{
	my ($place) = @_;

	$emulator->reset(1);
	$emulator->faults($place->{fault}) if $place->{fault};
}

sub reach
{
	my ($place) = @_;

	wait_until($place->{name}, sub { victim_waits($node) && $place->{reached}->() });
}

# the same once more, without the fault, from one that nobody has made deaf
sub again
{
	my ($place) = @_;

	return look($place->{server} =~ s/^deaf_//r);
}

sub victim
{
	my ($place) = @_;

	return start_session($node, 'victim', join "\n", $place->{before} // '', ($place->{sql} // look($place->{server})) . ';',
		'SELECT extract(epoch FROM clock_timestamp()) * 1000;', $place->{after} // '', again($place) . ';');
}

# ---------------------------------------------------------------------
# The ways to end it
# ---------------------------------------------------------------------

foreach my $place (@places)
{
	my $what = "cancel in $place->{name}";

	begin($place);
	my $session = victim($place);
	reach($place);
	my $asked = cancel_victim($node);
	my ($out, $err) = $session->finish;
	my ($done, @rows) = grep { $_ ne '' } split /\n/, $out;

	is(sqlstate_of($err), '57014', "$what: SQLSTATE");
	is("@rows", $place->{server} =~ /own/ ? '111122223333' : '1', "$what: the session goes on");
	check_reaction($done - $asked, $what);
}

foreach my $place (@places)
{
	my $what = "terminate in $place->{name}";

	begin($place);
	my $session = victim($place);
	reach($place);
	my $took = terminate_victim($node);
	my ($out, $err) = $session->finish;

	is(sqlstate_of($err), '57P01', "$what: SQLSTATE");
	check_reaction($took, $what);
}

# A session whose backend is asked for its sockets: a transfer that is not ended keeps one
sub count_descriptors
{
	my ($session) = @_;
	my $pid = $session->query('SELECT pg_backend_pid()');

	return scalar grep { defined && /^(socket|pipe|anon_inode):/ } map { readlink } glob "/proc/$pid/fd/*";
}

foreach my $place (@places)
{
	my $what = "statement_timeout in $place->{name}";
	my $timeout = 300;
	my $session = open_session($node);

	$emulator->reset(1);
	$session->query(look('own'));
	my $before = count_descriptors($session);
	begin($place);
	$session->query("$place->{before}; SELECT") if $place->{before};
	my ($out, $err) = $session->run(join "\n", "SET statement_timeout = $timeout;", 'SELECT extract(epoch FROM clock_timestamp()) * 1000;',
		($place->{sql} // look($place->{server})) . ';', 'SELECT extract(epoch FROM clock_timestamp()) * 1000;', 'RESET statement_timeout;');
	my @times = split /\n/, $out;

	is(sqlstate_of($err), '57014', "$what: SQLSTATE");
	check_reaction($times[1] - $times[0] - $timeout, $what);
	cmp_ok(count_descriptors($session), '<=', $before, "$what: the transfer has ended");
	wait_until('no request in flight', sub { $emulator->stats->{in_flight} == 0 });
	$session->query($place->{after}) if $place->{after};
	is($session->query(again($place)), $place->{server} =~ /own/ ? '111122223333' : '1', "$what: the session goes on");
}

# ---------------------------------------------------------------------
# Several that wait for the same
# ---------------------------------------------------------------------

# calls(): how often the container was asked
sub calls
{
	return $emulator->stats->{operations}{ContainerCredentials} // 0;
}

$emulator->reset(1);
my $session = open_session($node);
my $everything = 'SELECT count(*) FROM container.treatments';
my $rows = $session->query($everything);
is(calls(), 1, 'one scan with many calls asks for credentials once');
$emulator->mutate('expire_sessions');
$emulator->clear;
is($session->query("SELECT sum(n) FROM ($everything UNION ALL $everything UNION ALL $everything) t(n)"), 3 * $rows, 'several scans');
is(calls(), 1, '... do so, too, when they have expired');
cmp_ok($emulator->stats->{requests}, '>', 20, '... for all of their calls');

# one waits, and gives up; another, which has begun before, gets on.  That one asks for nothing before its savepoint.
$emulator->mutate('expire_sessions');
$emulator->clear;
$emulator->faults({ kind => 'hang', operation => 'ContainerCredentials', times => 1 });
$session->query("BEGIN; DECLARE a CURSOR FOR SELECT run FROM container.experiment_runs WHERE application_id = 'shop4x1'; SAVEPOINT s;");
my ($out, $err) = $session->run("SET LOCAL statement_timeout = 300; $everything; ");
is(sqlstate_of($err), '57014', 'a scan that gives up waiting for credentials');
$session->query('ROLLBACK TO s');
cmp_ok(scalar(split /\n/, $session->query('FETCH ALL FROM a')), '>', 1, '... leaves them to another');
$session->query('COMMIT');
is(calls(), 2, '... which asks once more at most');

# the same of two cursors of which one is closed by an error while the other has rows still to come
$emulator->reset(1);
$session->query("BEGIN; DECLARE a CURSOR FOR SELECT t.treatment_key FROM container.treatments t; FETCH a; SAVEPOINT s;");
$emulator->mutate('expire_sessions');
$emulator->faults({ kind => 'status', status => 500, operation => 'ContainerCredentials', times => 3 });
$session->query('DECLARE b CURSOR FOR SELECT count(*) FROM container.run_events');
is($session->failure('FETCH b'), 'HV000', 'a cursor that gets no credentials');
$session->query('ROLLBACK TO s');
is(scalar(split /\n/, $session->query('FETCH ALL FROM a')), $rows - 1, '... and another that does');
$session->query('COMMIT');

# a cursor that is closed
$emulator->reset(1);
$session->query("BEGIN; DECLARE a CURSOR FOR SELECT t.treatment_key FROM container.treatments t; DECLARE b CURSOR FOR $everything; FETCH a");
$emulator->mutate('expire_sessions');
$emulator->faults({ kind => 'hang', operation => 'ContainerCredentials', times => 1 });
$session->query('FETCH 3 FROM a; CLOSE a');
is($session->query('FETCH b'), $rows, 'a cursor that was closed takes no credentials from another');
$session->query('COMMIT');

# ---------------------------------------------------------------------
# Errors that are caught
# ---------------------------------------------------------------------

$node->safe_psql('postgres', q{
	CREATE FUNCTION twice() RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		state text;
		found int;
	BEGIN
		BEGIN
			PERFORM count(*) FROM container.applications;
		EXCEPTION WHEN OTHERS THEN
			state := SQLSTATE;
		END;
		SELECT count(*) INTO found FROM container.treatments;
		RETURN format('%s %s', state, found);
	END
	$$});
foreach my $fault ({ kind => 'status', status => 500 }, { kind => 'reset-midbody' })
{
	$session = open_session($node);
	$emulator->reset(1);
	$emulator->faults({ %$fault, operation => 'ContainerCredentials', times => 3 });
	my $sqlstate = $fault->{kind} eq 'status' ? 'HV000' : 'HV00M';
	is($session->query('SELECT twice()'), "$sqlstate $rows", "an error that is caught: $fault->{kind}");
	is(calls(), 4, '... after which credentials are got');
	is($session->query($everything), $rows, '... and kept');
	is(calls(), 4, '... for the next statement');
}

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP|WARNING/, 'no backend crashed');

done_testing();
