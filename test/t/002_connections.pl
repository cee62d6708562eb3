# What a session keeps from statement to statement, and what it must not keep:
# connections are reused, calls run side by side, whatever is aborted is cleared up,
# and neither file descriptors nor memory grow.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $node = new_node('connections', 'log_statement = none');
# no pace, so that what is measured is not the pacer
my %fast = (max_get_rate => 0, max_list_rate => 0, request_timeout => '1min');
create_server($node, 'remote', $emulator->url, %fast);

my $history = "application_id = 'app120x' AND experiment_definition_id = 'def120x'";
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $exposure_of_20 = "SELECT count(exposure_percentage) FROM remote.experiment_runs"
  . " WHERE $history AND run IN (" . join(', ', 1 .. 20) . ')';

# Statements of one session; what they print, a line each
sub session
{
	my ($sql, %options) = @_;
	my $out = $node->safe_psql('postgres', $sql, %options);

	return split /\n/, $out;
}

# ---------------------------------------------------------------------
# Reuse
# ---------------------------------------------------------------------

$emulator->reset;
session("SELECT status FROM remote.experiment_runs WHERE $example;" x 5);
is($emulator->ctl('calls'), 'GetExperimentRun 5', 'five statements make five calls');
is($emulator->ctl('connections'), 1, '... over one connection');

$emulator->reset;
$emulator->ctl('fault', 'close', '--times', '2');
session("SELECT status FROM remote.experiment_runs WHERE $example;" x 4);
is($emulator->ctl('calls'), 'GetExperimentRun 4', 'a connection that the server has closed costs no call');
is($emulator->ctl('connections'), 3, '... but a new connection');

# ---------------------------------------------------------------------
# Side by side
# ---------------------------------------------------------------------

foreach my $case ([ 16, '' ], [ 5, "ALTER SERVER remote OPTIONS (ADD max_concurrency '5');" ],
	[ 20, "ALTER SERVER remote OPTIONS (SET max_concurrency '64');" ], [ 1, "ALTER SERVER remote OPTIONS (SET max_concurrency '1');" ])
{
	my ($peak, $alter) = @$case;

	$emulator->reset;
	$emulator->ctl('fault', 'latency', '--ms', '100');
	is(join(' ', session("$alter $exposure_of_20")), '20', "20 runs, $peak at a time");
	is($emulator->calls, 'GetExperimentRun 20, ListExperimentRuns 1', '... one call each, and a list that tells which there are');
	is($emulator->ctl('peak'), $peak, "... $peak in flight together");
	is($emulator->ctl('connections'), $peak, "... over $peak connections");
}
$node->safe_psql('postgres', 'ALTER SERVER remote OPTIONS (DROP max_concurrency)');

# ---------------------------------------------------------------------
# Aborts
# ---------------------------------------------------------------------

# a statement whose time is over while 16 calls are in flight
$emulator->reset;
$emulator->ctl('fault', 'hang', '--path', 'def120x');
my ($out, $err);
$node->psql('postgres', qq{
	\\set VERBOSITY sqlstate
	SET statement_timeout = '500ms';
	$exposure_of_20;
	RESET statement_timeout;
	SELECT status FROM remote.experiment_runs WHERE $example;
	SELECT count(*) FROM pg_ls_dir('/proc/self/fd') fd;
	BEGIN;
	SAVEPOINT a;
	SET LOCAL statement_timeout = '500ms';
	$exposure_of_20;
	ROLLBACK TO a;
	SELECT status FROM remote.experiment_runs WHERE $example;
	COMMIT;
	SELECT count(*) FROM pg_ls_dir('/proc/self/fd') fd;
}, stdout => \$out, stderr => \$err, on_error_stop => 0);
my @lines = split /\n/, $out;
is(() = $err =~ /57014/g, 2, 'two statements are cut off');
is($lines[0], 'DONE', 'the next statement works');
is($lines[2], 'DONE', 'so does the next one after a savepoint');
is($lines[3], $lines[1], 'no file descriptor is left behind');
wait_until('the calls to be given up', sub { $emulator->stats->{in_flight} == 0 });
pass('no call is left in flight');

# one call fails while others are in flight, in a block that catches the error
my $failing_block = qq{
	BEGIN
		PERFORM count(exposure_percentage) FROM remote.experiment_runs WHERE $history AND run IN (1, 2, 3, 4, 5, 6);
		RAISE 'there should have been an error';
	EXCEPTION WHEN fdw_error THEN
		caught := caught + 1;
	END;
};
$emulator->reset;
$emulator->ctl('fault', 'status', '--status', '400', '--code', 'BadRequestException', '--path', 'def120x/experimentruns/1$');
$emulator->ctl('fault', 'latency', '--ms', '30', '--path', 'def120x/experimentruns/[2-6]$');
@lines = session(qq{
	CREATE FUNCTION catch(times int) RETURNS int LANGUAGE plpgsql AS \$\$
	DECLARE
		caught int := 0;
	BEGIN
		FOR i IN 1 .. times LOOP
			$failing_block
		END LOOP;
		RETURN caught;
	END \$\$;
	SELECT catch(3);
	SELECT count(*) FROM pg_ls_dir('/proc/self/fd') fd;
	SELECT catch(20);
	SELECT count(*) FROM pg_ls_dir('/proc/self/fd') fd;
	SELECT status FROM remote.experiment_runs WHERE $example;
});
is($lines[0] + $lines[2], 23, 'errors in the middle of calls are caught');
cmp_ok($lines[3], '<=', $lines[1], 'no file descriptor is left behind');
is($lines[4], 'DONE', 'the next statement works');

# a scan that goes on while statements inside of it fail
@lines = session(qq{
	DO \$\$
	DECLARE
		caught int := 0;
		seen int := 0;
		number int;
	BEGIN
		FOR number IN SELECT r.run FROM remote.experiment_runs r WHERE $history AND r.exposure_percentage IS NOT NULL
				AND r.run > 100 LOOP
			seen := seen + 1;
			CONTINUE WHEN seen > 5;
			$failing_block
		END LOOP;
		CREATE TEMP TABLE outcome AS SELECT seen, caught;
	END \$\$;
	SELECT seen, caught FROM outcome;
});
is($lines[0], '20|5', 'an outer scan survives errors of inner ones');

# a cursor that is left open at the end of its transaction
$emulator->reset;
@lines = session(qq{
	BEGIN;
	DECLARE c CURSOR FOR SELECT run FROM remote.experiment_runs WHERE $history AND exposure_percentage >= 0;
	FETCH 1 FROM c;
	COMMIT;
	BEGIN;
	DECLARE c CURSOR FOR SELECT run FROM remote.experiment_runs WHERE $history AND exposure_percentage >= 0;
	FETCH 1 FROM c;
	ROLLBACK;
	SELECT status FROM remote.experiment_runs WHERE $example;
});
is($lines[-1], 'DONE', 'cursors that are not read to their end do no harm');
wait_until('the calls to be given up', sub { $emulator->stats->{in_flight} == 0 });

# ---------------------------------------------------------------------
# Who is who
# ---------------------------------------------------------------------

sub keys_used
{
	return join(' ', map { JSON::PP::decode_json($_)->{key} } split /\n/, $emulator->ctl('log'));
}

my $look = "SELECT status FROM remote.experiment_runs WHERE $example;";

foreach my $alter (
	'ALTER SERVER remote OPTIONS (ADD max_attempts \'2\');',
	'BEGIN; ALTER SERVER remote OPTIONS (SET max_attempts \'4\'); ROLLBACK;',
	"ALTER USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (SET access_key_id '$access_key');")
{
	$emulator->reset;
	session("$look $look $alter $look $look");
	is($emulator->ctl('calls'), 'GetExperimentRun 4', "$alter: four calls");
	is($emulator->ctl('connections'), 1, '... over a connection that is as good as before');
}

$node->safe_psql('postgres', q{
	CREATE ROLE other;
	GRANT USAGE ON SCHEMA remote TO other;
	GRANT SELECT ON ALL TABLES IN SCHEMA remote TO other;
	CREATE USER MAPPING FOR other SERVER remote OPTIONS (access_key_id 'AKIDOTHER', secret_access_key 'other-secret');
});
$emulator->reset;
session("$look SET ROLE other; $look $look RESET ROLE; $look");
is(keys_used(), "$access_key AKIDOTHER AKIDOTHER $access_key", 'a role has its own keys');
is($emulator->ctl('connections'), 1, '... over the same connection, since requests are signed');

# new keys count at once, also for a statement that is prepared
$emulator->reset;
session(qq{
	PREPARE p AS $look
	EXECUTE p;
	ALTER USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (SET access_key_id 'AKIDOTHER', SET secret_access_key 'other-secret');
	EXECUTE p;
	ALTER USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (SET access_key_id '$access_key', SET secret_access_key '$secret_key');
});
is(keys_used(), "$access_key AKIDOTHER", 'new keys count at once');

# ---------------------------------------------------------------------
# Answers that come in while another session is waited for
# ---------------------------------------------------------------------

# the inner scan's wait brings the outer one's second answer in; then nothing is on its way any more
create_server($node, 'second', $emulator->url, %fast);
$emulator->reset;
$emulator->faults(
	{ kind => 'latency', path => 'def120x/experimentruns/1$', ms => 100 },
	{ kind => 'latency', path => 'def120x/experimentruns/2$', ms => 300 },
	{ kind => 'latency', path => 'def120x/experimentruns/[34]$', ms => 800 });
my $waits_for_two = qq{
	SELECT a.run, b.run, b.exposure_percentage IS NOT NULL
	FROM (SELECT run, exposure_percentage FROM remote.experiment_runs WHERE $history AND run IN (1, 2) OFFSET 0) a
	CROSS JOIN LATERAL (SELECT run, exposure_percentage FROM second.experiment_runs WHERE $history AND run = a.run + 2 OFFSET 0) b
	WHERE a.exposure_percentage >= 0};
my ($rows, $timed_out);
$node->psql('postgres', $waits_for_two, stdout => \$rows, timeout => 60, timed_out => \$timed_out);
ok(!$timed_out, 'two servers in a nested loop: no wait without an end');
is($rows, "1|3|t\n2|4|t", '... and their rows');
$emulator->faults;

# ---------------------------------------------------------------------
# Nothing grows
# ---------------------------------------------------------------------

# file descriptors, bytes in memory contexts, resident pages
my $usage = q{
	SELECT (SELECT count(*) FROM pg_ls_dir('/proc/self/fd') fd),
		(SELECT sum(total_bytes) FROM pg_backend_memory_contexts),
		(SELECT count(*) FROM pg_backend_memory_contexts WHERE name LIKE 'appconfig%'),
		split_part(pg_read_file('/proc/self/statm', 0, 1000), ' ', 2);
};
# transactions of their own, statements of one transaction, several calls and joins, errors
sub lookups
{
	my ($n) = @_;

	return qq{
		\\o /dev/null
		SELECT format('SELECT exposure_percentage FROM remote.experiment_runs WHERE %s AND run = %s',
			\$\$$history\$\$, 2 + i % 119)
		FROM generate_series(1, $n) i \\gexec
		DO \$\$
		BEGIN
			FOR i IN 1 .. $n LOOP
				PERFORM exposure_percentage FROM remote.experiment_runs WHERE $history AND run = 2 + i % 119;
			END LOOP;
			FOR i IN 1 .. $n / 50 LOOP
				PERFORM count(*) FROM remote.treatments t JOIN remote.attribute_values a USING (application_id, experiment_definition_id, run)
				WHERE application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1';
				PERFORM catch(1);
			END LOOP;
		END \$\$;
		\\o
	};
}

$emulator->reset;
$emulator->ctl('fault', 'status', '--status', '400', '--code', 'BadRequestException', '--path', 'def120x/experimentruns/1$');
@lines = session($usage . lookups(500) . $usage . lookups(1500) . $usage);
my @base = split /\|/, $lines[0];
my @first = split /\|/, $lines[1];
my @last = split /\|/, $lines[2];
my $stats = $emulator->stats;
note "$stats->{requests} requests over $stats->{connections} connections";
note "descriptors, context bytes, contexts, pages: $lines[0], then $lines[1], then $lines[2]";
cmp_ok($stats->{requests}, '>', 4000, 'thousands of look-ups');
# four to wait with, and a connection for each call that may be in flight
cmp_ok($last[0], '<=', $base[0] + 4 + 16, 'file descriptors do not grow');
cmp_ok($last[1] - $first[1], '<', 65536, 'memory contexts do not grow');
is($last[2], $first[2], 'no context is left behind');
cmp_ok(($last[3] - $first[3]) * 4096, '<', 2 * 1024 * 1024, 'the process does not grow');
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP|leak/, 'no backend crashed or leaked');

done_testing();
