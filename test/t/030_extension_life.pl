# The extension comes, moves and goes while sessions use it, its library is loaded in each way that there is, and
# databases without it are not touched.
#
# Suites: tap, shared

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $look = "SELECT status FROM appconfig.experiment_runs WHERE $example";

my $node = new_node('life', 'autovacuum = off');

# The commands that make a server and its tables, as whoever executes them
sub set_up
{
	return qq{
		CREATE SERVER appconfig FOREIGN DATA WRAPPER appconfig_fdw
			OPTIONS (region 'us-east-1', endpoint '} . $emulator->url . qq{');
		CREATE USER MAPPING FOR CURRENT_USER SERVER appconfig
			OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
		CREATE SCHEMA IF NOT EXISTS appconfig;
		IMPORT FOREIGN SCHEMA appconfig FROM SERVER appconfig INTO appconfig};
}

# Waits until one session does for another's lock
sub wait_for_lock
{
	wait_until('a session that waits for a lock', sub {
		$node->safe_psql('postgres', q{
			SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dropper' AND wait_event_type = 'Lock'}) == 1;
	});
}

# ---------------------------------------------------------------------
# DROP EXTENSION and CREATE EXTENSION
# ---------------------------------------------------------------------

$node->safe_psql('postgres', set_up());
my ($using, $other) = (open_session($node), open_session($node));
is($using->query($look), 'DONE', 'a session uses the extension');
$using->query("PREPARE look AS $look");
is($using->query('EXECUTE look'), 'DONE', '... by a prepared statement as well');
$using->query("DECLARE kept CURSOR WITH HOLD FOR $look");
is($using->query('SELECT sum(calls) > 0 FROM appconfig_fdw_stats()'), 't', '... and its counters');

$other->query('SET client_min_messages = warning; DROP EXTENSION appconfig_fdw CASCADE');
is($using->failure($look), '42P01', 'after DROP EXTENSION by another session its tables are gone');
is($using->failure('EXECUTE look'), '42P01', '... for a prepared statement as well');
is($using->failure('SELECT * FROM appconfig_fdw_stats()'), '42883', '... and so are its functions');
is($using->query('FETCH ALL FROM kept'), 'DONE', '... but not what the session has already got');
is($using->query('SHOW appconfig_fdw.enable_pushdown'), 'on', '... nor the settings of a library that is loaded');
is($using->query('SELECT count(*) FROM pg_foreign_server'), 0, '... and the session goes on');

$using->query('CREATE EXTENSION appconfig_fdw;' . set_up());
is($using->query($look), 'DONE', 'CREATE EXTENSION in the session that used the last one');
is($other->query($look), 'DONE', '... serves another session');
is($using->query('EXECUTE look'), 'DONE', '... and the prepared statement');
is($using->query('SELECT count(*) FROM appconfig_fdw_stats() WHERE server IS NULL'), 0,
	'... and nothing is counted for a server that there is not');

# in the midst of a transaction: whoever drops it has to wait
$using->query("BEGIN; DECLARE runs CURSOR FOR SELECT run FROM appconfig.experiment_runs
	WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' ORDER BY run; FETCH 1 FROM runs");
my $dropper = start_session($node, 'dropper', 'SET client_min_messages = warning; DROP EXTENSION appconfig_fdw CASCADE;');
wait_for_lock();
is($using->query("SELECT count(*) FROM appconfig.experiment_runs WHERE $example"), 1, 'DROP EXTENSION waits for a transaction');
is($using->query('CLOSE runs; COMMIT; SELECT 1'), 1, '... which ends as it would have');
is(join('', $dropper->finish), '', '... and then it is done');
is($using->failure($look), '42P01', '... for the other session as well');
$node->safe_psql('postgres', 'CREATE EXTENSION appconfig_fdw;' . set_up());

# in the midst of a call
$emulator->faults({ kind => 'hang' });
my $victim = start_session($node, 'victim', $look);
wait_until('the call', sub { victim_waits($node) });
$dropper = start_session($node, 'dropper', 'SET client_min_messages = warning; DROP EXTENSION appconfig_fdw CASCADE;');
wait_for_lock();
cancel_victim($node);
is(sqlstate_of(($victim->finish)[1]), '57014', 'a statement that is called off while DROP EXTENSION waits for it');
is(join('', $dropper->finish), '', '... lets it be done');
$emulator->reset(1);
$node->safe_psql('postgres', 'CREATE EXTENSION appconfig_fdw;' . set_up());

# what a transaction has dropped is there again after ROLLBACK
is($using->query("BEGIN; SET LOCAL client_min_messages = warning; DROP EXTENSION appconfig_fdw CASCADE;
	CREATE EXTENSION appconfig_fdw; ROLLBACK; $look"), 'DONE', 'DROP and CREATE that are rolled back');

# ---------------------------------------------------------------------
# ALTER EXTENSION
# ---------------------------------------------------------------------

my ($out, $err) = $using->run('ALTER EXTENSION appconfig_fdw UPDATE');
like($err, qr/NOTICE: .*version "1\.0" of extension "appconfig_fdw" is already installed/, 'ALTER EXTENSION UPDATE: there is one version');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_extension_update_paths('appconfig_fdw')}), 0, '... and no way to another');

$node->safe_psql('postgres', 'CREATE SCHEMA moved; ALTER EXTENSION appconfig_fdw SET SCHEMA moved');
is($using->query($look), 'DONE', 'after ALTER EXTENSION SET SCHEMA a session goes on');
is($using->query(q{SELECT moved.appconfig_treatment_key('__t1__')}), 't1', '... and its functions are there');
is($using->failure('SELECT * FROM appconfig_fdw_stats()'), '42883', '... and only there');
is($node->safe_psql('postgres', $look), 'DONE', '... and a new session works');
is($node->safe_psql('postgres', 'SELECT count(*) FROM moved.appconfig_fdw_stats()'), 0, '... with its own counters');
$node->safe_psql('postgres', 'ALTER EXTENSION appconfig_fdw SET SCHEMA public');

# ---------------------------------------------------------------------
# A database that has it not
# ---------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE DATABASE bare');
sub in_bare { return ($node->psql('bare', $_[0], extra_params => ['-v', 'VERBOSITY=verbose']))[1, 2]; }

(undef, $err) = in_bare('SHOW appconfig_fdw.enable_pushdown');
is(sqlstate_of($err), '42704', 'in a database without it no setting is known');
(undef, $err) = in_bare('SELECT appconfig_fdw_stats()');
is(sqlstate_of($err), '42883', '... and no function');
(undef, $err) = in_bare('CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw');
is(sqlstate_of($err), '42704', '... nor a foreign-data wrapper');
($out, $err) = in_bare(q{LOAD 'appconfig_fdw'; SHOW appconfig_fdw.enable_pushdown});
is("$out$err", 'on', '... but LOAD makes the settings known');
($out, $err) = in_bare('CREATE EXTENSION appconfig_fdw; DROP EXTENSION appconfig_fdw');
is($err, '', '... and another database can have an extension of its own');
is($node->safe_psql('postgres', $look), 'DONE', '... and drop it, and the first keeps what it has');

# ---------------------------------------------------------------------
# Settings that are there before the library
# ---------------------------------------------------------------------

$node->append_conf('postgresql.conf', "appconfig_fdw.enable_pushdown = off\nappconfig_fdw.log_calls = nonsense\nappconfig_fdw.unknown = 1\n");
$node->reload;
wait_until('the settings', sub { $node->safe_psql('postgres', 'SHOW appconfig_fdw.enable_pushdown') eq 'off' });
($out, $err) = in_bare(q{LOAD 'appconfig_fdw'; SHOW appconfig_fdw.enable_pushdown; SHOW appconfig_fdw.log_calls});
is($out, "off\noff", 'settings of postgresql.conf count as the library is loaded');
like($err, qr/WARNING: .*appconfig_fdw\.log_calls/, '... one that is wrong is told of');
like($err, qr/WARNING: .*"appconfig_fdw\.unknown"/, '... and one that is unknown');

done_testing();
