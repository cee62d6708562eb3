# appconfig_fdw_stats(all_sessions => true): what the calls of all sessions have cost, ended ones included, who may see
# it, and what becomes of it.
#
# Suite: shared

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $node = new_node('all_sessions', 'restart_after_crash = on');
my %unhurried = (max_get_rate => 0, max_list_rate => 0);
my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

create_server($node, 'remote', $emulator->url, %unhurried);

sub get
{
	my ($server) = @_;

	return "SELECT count(exposure_percentage) FROM $server.experiment_runs WHERE $run";
}

# What all sessions have counted of a server's operation, in another session
sub total
{
	my ($columns, $server, $operation) = @_;

	return $node->safe_psql('postgres', qq{
		SELECT $columns FROM appconfig_fdw_stats(all_sessions => true)
		WHERE server = '$server' AND operation = '} . ($operation // 'GetExperimentRun') . q{'});
}

sub own
{
	my ($session) = @_;

	return $session->query('SELECT sum(calls) FROM appconfig_fdw_stats()');
}

# ---------------------------------------------------------------------
# What is counted, and when
# ---------------------------------------------------------------------

subtest 'sessions add up' => sub {
	my @sessions = map { open_session($node) } 1 .. 2;

	is($node->safe_psql('postgres', 'SELECT count(*) FROM appconfig_fdw_stats(all_sessions => true)'), 0, 'nothing at first');
	$sessions[0]->query(get('remote')) foreach 1 .. 2;
	$sessions[1]->query(get('remote'));
	is(total('calls', 'remote'), 3, 'calls of two sessions, told in a third');
	is(own($sessions[0]), 2, '... while one has its own');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM appconfig_fdw_stats()'), 0, '... and another one none');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM appconfig_fdw_stats(all_sessions => NULL)'), 0, 'NULL is neither');
	undef @sessions;
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'client backend'})
	  or die 'the sessions have not ended';
	is(total('calls', 'remote'), 3, 'they stay when the sessions have gone');
};

subtest 'every number' => sub {
	my $session = open_session($node);
	my $columns = 'calls, retries, throttles, bytes, cache_hits, errors, rate_wait_time';

	create_server($node, 'eventful', $emulator->url, %unhurried, max_attempts => 2);
	$emulator->ctl('fault', 'throttle', '--times', '1');
	$session->query(get('eventful'));
	$emulator->ctl('fault', 'error500', '--times', '2');
	is($session->failure(get('eventful')), 'HV000', 'a call that fails');
	$session->query(qq{SELECT count(*) FROM eventful.experiment_runs
		JOIN eventful.treatments USING (application_id, experiment_definition_id, run) WHERE $run AND exposure_percentage > 0});

	my $all = total($columns, 'eventful');

	is($all, $session->query("SELECT $columns FROM appconfig_fdw_stats() WHERE server = 'eventful'"), 'are those of the one session');
	like($all, qr/^3\|2\|1\|[1-9]\d*\|1\|1\|[1-9]\d*(\.\d+)?$/, '... and all of them are there');
};

subtest 'a call counts at its end, not at that of its transaction' => sub {
	my $session = open_session($node);
	my $before = total('calls', 'remote');

	$session->query('BEGIN');
	$session->query(get('remote'));
	is(total('calls', 'remote') - $before, 1, 'in a transaction');
	$session->query('ROLLBACK');
	is(total('calls', 'remote') - $before, 1, 'nor is it undone');
};

subtest 'time counts of a query that is cancelled' => sub {
	create_server($node, 'slow', $emulator->url, %unhurried, max_get_rate => '0.0001');

	my $session = start_session($node, 'victim', get('slow') . ';' . get('slow'));

	wait_until('the rate limit', sub {
		return $node->safe_psql('postgres', q{
			SELECT count(*) FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'AppConfigRateLimit'});
	});
	cancel_victim($node);
	is(sqlstate_of(($session->finish)[1]), '57014', 'it is cancelled');
	is(total('calls, rate_wait_time > 0', 'slow'), '1|t', '... and has waited');
};

subtest 'nothing is lost between sessions that count at the same time' => sub {
	my $queries = (get('busy') . ";\n") x 50;
	my @sessions;

	create_server($node, 'busy', $emulator->url, %unhurried);
	$emulator->clear;
	push @sessions, start_session($node, "busy$_", $queries) foreach 1 .. 8;
	$_->finish foreach @sessions;
	is(total('calls + retries', 'busy'), $emulator->stats->{operations}{GetExperimentRun}, 'the emulator has counted as many');
	is(total('calls', 'busy'), 400, '... which are all that were asked for');
};

# ---------------------------------------------------------------------
# Who may see it
# ---------------------------------------------------------------------

subtest 'who may see it' => sub {
	my $servers = q{SELECT string_agg(DISTINCT server, ' ' ORDER BY server) FROM appconfig_fdw_stats(all_sessions => true)};

	$node->safe_psql('postgres', q{
		CREATE ROLE nobody_special;
		CREATE ROLE user_of_slow;
		GRANT USAGE ON FOREIGN SERVER slow TO user_of_slow;
		CREATE ROLE monitor IN ROLE pg_monitor});
	is($node->safe_psql('postgres', "SET ROLE nobody_special; $servers"), '', 'who may not use a server sees nothing of it');
	is($node->safe_psql('postgres', "SET ROLE user_of_slow; $servers"), 'slow', 'who may does');
	is($node->safe_psql('postgres', "SET ROLE monitor; $servers"), 'busy eventful remote slow', 'who monitors sees all');
};

subtest 'other databases' => sub {
	my $before = total('calls', 'remote');

	$node->safe_psql('postgres', 'CREATE DATABASE other');
	$node->safe_psql('other', 'CREATE EXTENSION appconfig_fdw');
	is($node->safe_psql('other', 'SELECT count(*) FROM appconfig_fdw_stats(all_sessions => true)'), 0, 'have their own');
	$node->safe_psql('other', qq{
		CREATE SERVER remote FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', endpoint '@{[ $emulator->url ]}');
		CREATE USER MAPPING FOR CURRENT_USER SERVER remote
			OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
		CREATE SCHEMA remote;
		IMPORT FOREIGN SCHEMA appconfig FROM SERVER remote INTO remote;
		} . get('remote'));
	is($node->safe_psql('other', 'SELECT sum(calls) FROM appconfig_fdw_stats(all_sessions => true)'), 1, '... of a server of the same name, too');
	is(total('calls', 'remote'), $before, '... apart from the others');
};

# ---------------------------------------------------------------------
# What becomes of it
# ---------------------------------------------------------------------

subtest 'servers come and go' => sub {
	my $session = open_session($node);

	$session->query('DROP SERVER busy CASCADE; DROP SCHEMA busy CASCADE');
	is(total('calls', 'busy'), '', 'one that is gone is left out');
	create_server($node, 'busy', $emulator->url, %unhurried);
	is(total('calls', 'busy'), '', 'another one of its name begins anew');
	$session->query(get('busy'));
	is(total('calls', 'busy'), 1, '... with its own');
	$session->query('ALTER SERVER busy RENAME TO idle');
	is(total('calls', 'idle'), 1, 'another name is nothing new');

	# more than there is room for, one after the other, and a call of remote's after each: only what
	# nobody has counted for longest is forgotten
	my $before = total('calls', 'remote');

	$session->query(qq{
		DO \$\$
		BEGIN
			FOR i IN 1 .. 1100 LOOP
				CREATE SERVER passing FOREIGN DATA WRAPPER appconfig_fdw
					OPTIONS (region 'us-east-1', endpoint '@{[ $emulator->url ]}', max_get_rate '0', max_list_rate '0');
				CREATE USER MAPPING FOR CURRENT_USER SERVER passing
					OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
				CREATE FOREIGN TABLE passing (application_id text) SERVER passing OPTIONS (object 'applications');
				PERFORM FROM passing;
				DROP SERVER passing CASCADE;
				PERFORM exposure_percentage FROM remote.experiment_runs WHERE $run;
			END LOOP;
		END
		\$\$});
	is(total('calls', 'remote') - $before, 1100, 'what is counted all the time is not forgotten');
	is(total('calls', 'idle'), '', '... but what is not, is');
	is($session->query("SELECT calls FROM appconfig_fdw_stats() WHERE server = 'idle'"), 1, '... by all but the session that has made it');
	$session->query(get('busy'));
	is(total('calls', 'idle'), 1, '... and counted anew');
};

subtest 'crash and restart' => sub {
	my $session = open_session($node);

	$session->query(get('remote'));
	kill 'KILL', $session->query('SELECT pg_backend_pid()');
	wait_until('the crash', sub { slurp_file($node->logfile) =~ /all server processes terminated; reinitializing/ });
	wait_until('recovery', sub { IPC::Run::run([ 'pg_isready', '-q', '-d', $node->connstr('postgres') ]) });
	is($node->safe_psql('postgres', 'SELECT count(*) FROM appconfig_fdw_stats(all_sessions => true)'), 0, 'a crash begins anew');
	$node->safe_psql('postgres', get('remote'));
	is(total('calls', 'remote'), 1, '... from where it counts');
	$node->restart;
	is($node->safe_psql('postgres', 'SELECT count(*) FROM appconfig_fdw_stats(all_sessions => true)'), 0, 'a restart, too');
	$node->safe_psql('postgres', get('remote'));
	is(total('calls', 'remote'), 1, '... likewise');
};

unlike(slurp_file($node->logfile), qr/TRAP|PANIC|signal 11|leak/, 'no backend crashed or leaked');

done_testing();
