# Many servers, many roles, many calls: descriptors are counted, given up when they run
# short, and PostgreSQL always has enough for its own files.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $servers = 40;
my $roles = 120;
# each server of the session is another host, so that no connection is shared
my $emulator = start_emulator('--addresses', $servers);
my ($port) = $emulator->url =~ /:(\d+)$/;
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $history = "application_id = 'app120x' AND experiment_definition_id = 'def120x'";

# The descriptors of a session's backend that are no files: each its kind
sub descriptors
{
	my ($session) = @_;
	my $pid = $session->query('SELECT pg_backend_pid()');
	my %found;

	foreach my $link (glob "/proc/$pid/fd/*")
	{
		my $kind = readlink $link;

		$found{ $link =~ s/.*\///r } = $kind if defined $kind && $kind =~ /^(socket|pipe|anon_inode):/;
	}
	return %found;
}

# How many sockets and the like a session's backend has
sub count
{
	my %found = descriptors(@_);

	return scalar keys %found;
}

# Those of them that a child process gets
sub inherited
{
	my ($session) = @_;
	my %found = descriptors($session);
	my $pid = $session->query('SELECT pg_backend_pid()');

	return join ', ', grep {
		my ($flags) = slurp_file("/proc/$pid/fdinfo/$_") =~ /^flags:\s*([0-7]+)$/m;
		!(oct($flags) & oct('02000000'))
	} sort keys %found;
}

sub new_servers
{
	my ($node, %options) = @_;
	my $list = join('', map { ", $_ '$options{$_}'" } sort keys %options);

	$node->safe_psql('postgres', join('', map { qq{
		CREATE SERVER s$_ FOREIGN DATA WRAPPER appconfig_fdw
			OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.$_:$port', cache_size '0', max_get_rate '0',
				max_list_rate '0', request_timeout '1min'$list);
		CREATE USER MAPPING FOR CURRENT_USER SERVER s$_
			OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
		CREATE FOREIGN TABLE runs$_ (application_id text, experiment_definition_id text, run int, status text,
			exposure_percentage float8) SERVER s$_ OPTIONS (object 'experiment_runs');
	} } 1 .. $servers));
	$node->safe_psql('postgres', q{
		CREATE FUNCTION use_files(many int) RETURNS bigint LANGUAGE plpgsql AS $$
		DECLARE
			result bigint := 0;
			n bigint;
		BEGIN
			FOR i IN 1 .. many LOOP
				EXECUTE format('CREATE TEMP TABLE file%s AS SELECT %s AS x', i, i);
			END LOOP;
			FOR i IN 1 .. many LOOP
				EXECUTE format('SELECT x FROM file%s', i) INTO n;
				result := result + n;
				EXECUTE format('DROP TABLE file%s', i);
			END LOOP;
			RETURN result;
		END $$});
}

sub look
{
	return "SELECT status FROM runs$_[0] WHERE $example;";
}

# One statement over so many servers, with so many documents each
sub across
{
	my ($count, $documents) = @_;

	return 'SELECT count(exposure_percentage) FROM (' . join(' UNION ALL ', map {
		"(SELECT exposure_percentage FROM runs$_ WHERE $history AND run <= $documents)" } 1 .. $count) . ') u';
}

# ---------------------------------------------------------------------
# As PostgreSQL is configured by default
# ---------------------------------------------------------------------

my $node = new_node('plenty');
new_servers($node);

my $session = open_session($node);
my $before = count($session);
my $inherited_before = inherited($session);
$session->query(look(1));
cmp_ok(count($session) - $before, '<=', 6, 'a first call takes six descriptors');
is(inherited($session), $inherited_before, '... none of which a child process gets');

is($session->query(join('', map { look($_) } 1 .. $servers)), join("\n", ('DONE') x $servers), "$servers servers in one session");
is($session->query(across(30, 2)), 60, 'one statement over 30 servers');
cmp_ok(count($session) - $before, '<=', 5 + 64, 'no more than 64 connections are kept');
$session->query('DISCARD ALL');
is($session->query(across(30, 2)), 60, 'DISCARD ALL changes nothing');

$emulator->reset;
is($session->query(look(3)), 'DONE', 'a server that was used just now');
is($emulator->ctl('connections'), 0, '... still has its connection');

$node->safe_psql('postgres', join('', map { qq{
	CREATE ROLE r$_;
	GRANT SELECT ON runs1 TO r$_;
	CREATE USER MAPPING FOR r$_ SERVER s1 OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
} } 1 .. $roles));
is($session->query(join('', map { 'SET ROLE r' . $_ . ';' . look(1) } 1 .. $roles)), join("\n", ('DONE') x $roles),
	"$roles roles in one session");
$session->query('RESET ROLE');
cmp_ok($session->query("SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'appconfig_fdw session'"), '<=', 64,
	'no more than 64 sessions are kept');

$node->safe_psql('postgres', join('', map { "ALTER SERVER s$_ OPTIONS (ADD max_concurrency '64');" } 1 .. 6));
$emulator->ctl('fault', 'latency', '--ms', '100', '--operation', 'GetExperimentRun');
is($session->query(across(6, 100)), 600, 'six servers with up to 64 calls in flight each');
$emulator->reset;
cmp_ok(count($session) - $before, '<=', 5 + 64, '... of whose connections no more than 64 are kept');
is($session->query('SELECT use_files(300)'), 45150, '... and PostgreSQL has all the files that it needs');

# ---------------------------------------------------------------------
# With as few as there can be
# ---------------------------------------------------------------------

$node->stop;
# about the least that a server starts with
$node = new_node('scarce', 'max_files_per_process = 80');
new_servers($node, max_concurrency => 64);

$session = open_session($node);
is($session->query(join('', map { look($_) } 1 .. $servers)), join("\n", ('DONE') x $servers), "few descriptors: $servers servers");
is($session->query(across(30, 2)), 60, 'one statement over 30 servers');
is($session->query('SELECT use_files(100)'), 5050, '... and PostgreSQL has all the files that it needs');
$emulator->reset;
$emulator->ctl('fault', 'latency', '--ms', '20', '--operation', 'GetExperimentRun');
is($session->query("SELECT count(exposure_percentage) FROM runs1 WHERE $history AND run <= 100"), 100, '64 calls in flight');
my $stats = $emulator->stats;
cmp_ok($stats->{peak_in_flight}, '<', 80 / 3 - 5, '... are fewer');
cmp_ok($stats->{peak_in_flight}, '>', 2, '... but more than one');
is($stats->{operations}{GetExperimentRun}, 100, '... and no call is made twice');
is($session->query('SELECT sum(retries) FROM appconfig_fdw_stats()'), 0, '... nor is that an attempt');

# a call that waits for its turn does not run out of time meanwhile
$node->safe_psql('postgres', "ALTER SERVER s1 OPTIONS (SET request_timeout '2s', ADD max_attempts '1')");
$emulator->reset;
$emulator->ctl('fault', 'latency', '--ms', '500', '--operation', 'GetExperimentRun');
is($session->query("SELECT count(exposure_percentage) FROM runs1 WHERE $history AND run <= 100"), 100,
	'the wait for a descriptor counts against no timeout');
$emulator->reset;

# others than us can have them all
add_environment($node);
$session = open_session($node);
my $taken = $session->query('SELECT take_descriptors()');
my ($out, $err) = $session->run(look(1));
like($err, qr/53000: .*could not watch the connections to AWS AppConfig: Too many open files/, 'nothing is left for a first call');
like($err, qr/HINT: .*max_files_per_process.*ulimit.*max_concurrency/, '... with a hint that names the settings');
$session->query("SELECT return_descriptors($taken)");
is($session->query(look(1)), 'DONE', 'and when there is something again, it works');
$session->query('SELECT take_descriptors()');
is($session->query(look(1)), 'DONE', 'a connection that there is serves its server');
is($session->query(look(2) . look(3) . look(1)), "DONE\nDONE\nDONE", '... and is given up for another one');
$emulator->ctl('fault', 'latency', '--times', '1', '--header', 'Connection: close');
$session->query(look(1));
$session->query('SELECT take_descriptors()');
($out, $err) = $session->run(look(2));
like($err, qr/53000: .*could not open a connection to AWS AppConfig\n(?s:.*)Too many open files/, 'nothing is left for a connection');
like($err, qr/HINT: .*max_files_per_process.*ulimit.*max_concurrency/, '... with the same hint');

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
