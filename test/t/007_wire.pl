# What comes over the wire and is not what was asked for: answers that nobody waited for,
# answers without an end, codings, dates, and addresses that no request may go to.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $dir = PostgreSQL::Test::Utils::tempdir();
my ($unused, $failure) = run_command([
	'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
	'-subj', '/CN=test', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', "$dir/key.pem", '-out', "$dir/cert.pem"
]);
die $failure if $?;

my %emulators = (
	plain => start_emulator(),
	tls => start_emulator('--tls-cert', "$dir/cert.pem", '--tls-key', "$dir/key.pem"));
my $node;
{
	# libcurl would write the keys of its connections there
	local $ENV{SSLKEYLOGFILE} = "$dir/keys";
	$node = new_node('wire');
}
# every statement is to ask the service; no pace, so that what is measured is not the pacer
my %asking = (cache_size => 0, max_get_rate => 0, max_list_rate => 0);
create_server($node, 'plain', $emulators{plain}->url, %asking);
create_server($node, 'tls', $emulators{tls}->url, %asking, ca_bundle => "$dir/cert.pem");

my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

sub look
{
	my ($server) = @_;

	return "SELECT status FROM $server.experiment_runs WHERE $example AND exposure_percentage IS NOT NULL";
}

sub calls_of
{
	my ($emulator) = @_;

	return $emulator->ctl('calls') =~ s/.* //r;
}

# ---------------------------------------------------------------------
# Answers that nobody waited for
# ---------------------------------------------------------------------

# what a client would take for the next answer
my $forged = '{"ApplicationId": "339ohji", "ExperimentDefinitionId": "bsxyd7k", "Run": 1, "Status": "FORGED",'
  . ' "ExposurePercentage": 1, "StartedAt": "2026-01-01T00:00:00Z", "ExperimentDefinitionSnapshot": {"Name": "x"}}';

foreach my $server ('plain', 'tls')
{
	my $emulator = $emulators{$server};
	my $session = open_session($node);

	$session->query(look($server));
	$emulator->reset;
	is($session->query(look($server)), 'DONE', "$server: a connection is kept");
	is($emulator->ctl('connections'), 0, '... and used again');
	foreach my $case (
		[ 'a 408 that is a while late', '--ms', 50 ],
		[ 'a 408 in one piece with the answer' ],
		[ 'another answer that is a while late', '--ms', 50, '--status', 200, '--body', $forged ],
		[ 'another answer in one piece', '--status', 200, '--body', $forged ],
		# the last piece that libcurl reads of the first ends within a record of TLS
		[ 'another answer after a long one', '--status', 200, '--body', $forged, '--bytes', 50_000 ])
	{
		my ($what, @fault) = @$case;

		$emulator->reset;
		$emulator->ctl('fault', 'unasked', '--times', '1', @fault);
		is($session->query(look($server)), 'DONE', "$server, $what: the first answer counts");
		wait_until('the second to be sent', sub { !$emulator->ctl('in-flight') });
		is($session->query(look($server)), 'DONE', '... and no other is taken for the next one');
		is(join(' ', map { JSON::PP::decode_json($_)->{attempt} } split /\n/, $emulator->ctl('log')),
			'attempt=1; max=3 attempt=1; max=3', '... which is no attempt');
	}
	is($session->query("SELECT sum(retries) FROM appconfig_fdw_stats() WHERE server = '$server'"), '0', "$server: no retry was needed");
}

ok(!-e "$dir/keys", 'the keys of connections are written nowhere');

my $emulator = $emulators{plain};
my $session = open_session($node);

$emulator->reset;
$emulator->ctl('fault', 'status', '--status', '408', '--times', '2');
is($session->query(look('plain')), 'DONE', 'a 408 is tried again');
is(calls_of($emulator), 3, '... as often as other failures');

# ---------------------------------------------------------------------
# Answers without an end
# ---------------------------------------------------------------------

create_server($node, 'hasty', $emulator->url, %asking, request_timeout => '1s', max_attempts => 1, max_response_size => '64kB');

sub resident_bytes
{
	return $session->query("SELECT split_part(pg_read_file('/proc/self/statm', 0, 1000), ' ', 2)") * 4096;
}

$session->query(look('hasty'));
foreach my $case (
	# kind, what it is when it trickles, and when it floods
	[ 'interim', qr/HV00M: .*did not answer in time/, qr/HV000: .*larger than max_response_size/ ],
	[ 'headers', qr/HV00M: .*did not answer in time/, qr/HV000: .*larger than max_response_size/ ],
	[ 'header-line', qr/HV00M: .*did not answer in time/, qr/HV000: .*larger than max_response_size/ ],
	[ 'chunk-extension', qr/HV00M: .*did not answer in time/, qr/HV000: .*larger than max_response_size/ ],
	[ 'deflate', qr/HV000: .*cannot be read/, qr/HV000: .*cannot be read/ ],
	[ 'gzip-name', qr/HV000: .*cannot be read/, qr/HV000: .*cannot be read/ ])
{
	my ($kind, @expected) = @$case;

	foreach my $flow ([ 'trickle', '--ms', 20 ], [ 'flood', '--bytes', 100 ])
	{
		my ($name, @fault) = @$flow;
		my $before = resident_bytes();
		my $start = time;

		$emulator->reset;
		$emulator->ctl('fault', "endless-$kind", '--times', '1', @fault);
		my (undef, $err) = $session->run(look('hasty'));
		my $seconds = time - $start;

		like($err, shift @expected, "$kind, a $name");
		cmp_ok($seconds, '<', 10, '... ends in time');
		cmp_ok(resident_bytes() - $before, '<', 4 * 1024 * 1024, '... and takes no memory');
		wait_until('the answer to be given up', sub { $emulator->stats->{in_flight} == 0 });
	}
}
$emulator->reset;
is($session->query(look('hasty')), 'DONE', 'and then the session goes on');

# ---------------------------------------------------------------------
# Codings
# ---------------------------------------------------------------------

$emulator->ctl('fault', 'encoded', '--message', 'gzip', '--times', '1');
my (undef, $err) = $session->run(look('plain'));
like($err, qr/HV000: .*cannot be read\nDETAIL:.*a Content-Encoding that nobody has asked for/, 'a Content-Encoding is refused');
$emulator->ctl('fault', 'encoded', '--message', 'Identity', '--times', '1');
is($session->query(look('plain')), 'DONE', 'but for the one that is none');
$emulator->reset;
$emulator->ctl('fault', 'chunked', '--bytes', '1', '--times', '1');
is($session->query(look('hasty')), 'DONE', 'chunks of a byte are as good as others');

# ---------------------------------------------------------------------
# Dates
# ---------------------------------------------------------------------

# the calls of two statements of a session, after an answer with that date
foreach my $case (
	[ 'Mon, 01 Jan 1601 00:00:00 GMT', 1 ],
	[ 'Thu, 01 Jan 1970 00:00:00 GMT', 1 ],
	[ 'Fri, 31 Dec 9999 23:59:59 GMT', 1 ],
	[ 'yesterday', 1 ],
	[ '', 1 ],
	[ strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 2 * 365 * 86400)), 1 ],
	# it could be true, until the next answer
	[ strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + 100 * 86400)), 2 ])
{
	my ($date, $calls) = @$case;

	$emulator->reset;
	$emulator->ctl('fault', 'date', '--date', $date, '--times', '1');
	is($session->query(look('plain')), 'DONE', "an answer of '$date'");
	$emulator->ctl('clear');
	is($session->query(look('plain')), 'DONE', '... does not hinder the next one');
	is(calls_of($emulator), $calls, "... which takes $calls calls");
	$emulator->ctl('clear');
	is($session->query(look('plain')), 'DONE', '... nor the one after that');
	is(calls_of($emulator), 1, '... which takes one');
}

# a refusal with a date that is a lie, and the next honest answer
$emulator->reset;
$emulator->ctl('fault', 'skew', '--date', 'Fri, 31 Dec 9999 23:59:59 GMT', '--times', '1');
is($session->failure(look('plain')), '28000', 'a clock that cannot be followed is an error');
is($session->query(look('plain')), 'DONE', '... once');

# a clock that is really off, and then mended
foreach my $seconds (3600, -3600, 0)
{
	$emulator->reset;
	$emulator->mutate('set_clock', seconds => $seconds);
	is($session->query(look('plain')), 'DONE', "a clock that is $seconds s ahead");
	is(calls_of($emulator), 2, '... is followed');
	is($session->query(look('plain')), 'DONE', '... from then on');
	is(calls_of($emulator), 3, '... without further ado');
}

# ---------------------------------------------------------------------
# Addresses
# ---------------------------------------------------------------------

create_server($node, 'elsewhere', $emulator->url, max_attempts => 1);
foreach my $address ('169.254.169.254', '[::ffff:a9fe:a9fe]', '[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::1]')
{
	$session->query("ALTER SERVER elsewhere OPTIONS (SET endpoint 'https://$address')");
	(undef, $err) = $session->run(look('elsewhere'));
	like($err, qr/HV00N: .*could not trust.*\nDETAIL:.*the address is one that no request may go to/, "$address is refused");
}
$session->query("ALTER SERVER elsewhere OPTIONS (SET endpoint 'http://127.0.0.1:1')");
(undef, $err) = $session->run(look('elsewhere'));
like($err, qr/HV00N: .*could not connect.*\nDETAIL:.*Connection refused/, 'what the system says of a connection is in the error');

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
