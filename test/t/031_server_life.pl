# The server's life: a crash and a restart, a standby that is queried and promoted, a session without a server, and
# each way to load the library and to have shared memory.
#
# Suites: tap, shared

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $look = "SELECT status FROM appconfig.experiment_runs WHERE $example";
# lists, documents and all that is kept of them
my $all = 'SELECT count(*) > 0, count(t.weight) > 0 FROM appconfig.treatments t JOIN appconfig.experiment_runs r
	USING (application_id, experiment_definition_id, run)';

my $node = new_node('life', 'restart_after_crash = on', 'wal_level = replica', 'max_wal_senders = 4',
	'hot_standby = on', 'autovacuum = off');
create_server($node, 'appconfig', $emulator->url);
is($node->safe_psql('postgres', $look), 'DONE', 'a server that works');

# ---------------------------------------------------------------------
# A crash
# ---------------------------------------------------------------------

my $bystander = open_session($node);
is($bystander->query($look), 'DONE', 'a session has what it has got');
kill_victim($node, $emulator, $look);
is($node->safe_psql('postgres', $look), 'DONE', 'after a crash of the server a new session works');
is($node->safe_psql('postgres', $all), 't|t', '... with all tables');
like(($bystander->run('SELECT 1'))[1], qr/57P02: .*terminating connection|server closed the connection/, '... and the old ones are gone');

$node->stop('immediate');
$node->start;
is($node->safe_psql('postgres', $all), 't|t', 'after an immediate stop it works');
$node->restart;
is($node->safe_psql('postgres', $all), 't|t', '... and after a restart');

# ---------------------------------------------------------------------
# A session without a server
# ---------------------------------------------------------------------

# What a backend says that serves nobody, with these commands
sub single_user
{
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'postgres', '--single', '-j', '-D', $node->data_dir, 'postgres' ],
		'<', \join(";\n\n", @_, ''), '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default))
	  or die "postgres --single: $err";
	unlike($err, qr/ERROR|FATAL|PANIC|TRAP/, 'postgres --single says nothing bad');
	return $out;
}

$node->stop;
my $said = single_user($look, $look, $all, 'SELECT sum(calls) > 0 AS counted FROM appconfig_fdw_stats()');
is(scalar(() = $said =~ /status = "DONE"/g), 2, 'postgres --single: a run');
is(scalar(() = $said =~ /= "t"/g), 3, '... and all tables, with the counters');
single_user('CREATE DATABASE single');

# ---------------------------------------------------------------------
# How the library is loaded
# ---------------------------------------------------------------------

foreach my $setting (qw(session_preload_libraries shared_preload_libraries))
{
	$node->append_conf('postgresql.conf', "$setting = 'appconfig_fdw'");
	$node->start;
	is($node->safe_psql('postgres', 'SHOW appconfig_fdw.enable_pushdown'), 'on', "$setting: the settings are known at once");
	is($node->safe_psql('single', 'SHOW appconfig_fdw.enable_pushdown'), 'on', '... in a database without the extension as well');
	is($node->safe_psql('postgres', $all), 't|t', '... and the tables work');
	kill_victim($node, $emulator, $look);
	is($node->safe_psql('postgres', $all), 't|t', '... after a crash as well');
	$node->stop;
	$said = single_user($look);
	like($said, qr/status = "DONE"/, '... and in single-user mode');
	$node->append_conf('postgresql.conf', "$setting = ''");
}

# ---------------------------------------------------------------------
# Where shared memory comes from
# ---------------------------------------------------------------------

foreach my $settings ('dynamic_shared_memory_type = mmap', 'dynamic_shared_memory_type = sysv',
	"dynamic_shared_memory_type = posix\nmin_dynamic_shared_memory = '16MB'")
{
	my $title = $settings =~ s/\n/, /r;

	$node->append_conf('postgresql.conf', $settings);
	$node->start;
	is($node->safe_psql('postgres', $all), 't|t', $title);
	is($node->safe_psql('postgres', $all), 't|t', '... and another session');
	kill_victim($node, $emulator, $look);
	is($node->safe_psql('postgres', $all), 't|t', '... and after a crash');
	$node->stop;
	unlike(slurp_file($node->logfile), qr/could not (create|attach|remove|unlink|destroy|map|resize)/, '... and nothing stays behind');
}
$node->append_conf('postgresql.conf', 'min_dynamic_shared_memory = 0');

# ---------------------------------------------------------------------
# A standby
# ---------------------------------------------------------------------

$node->start;
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);

my $session = open_session($standby);
is($session->query('SELECT pg_is_in_recovery()'), 't', 'a standby');
is($session->query($look), 'DONE', '... has a run');
is($session->query($all), 't|t', '... and all tables');
is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $look; $look; COMMIT"), "DONE\nDONE", '... in a transaction as well');
is($session->query("SET work_mem = '64kB'; SELECT count(*) > 0 FROM appconfig.treatments a, appconfig.treatments b; RESET work_mem"),
	't', '... with what does not fit into memory');
is($session->query('SELECT sum(calls) > 0 FROM appconfig_fdw_stats()'), 't', '... and counts');
is($session->failure("ALTER SERVER appconfig OPTIONS (ADD cache_ttl '1min')"), '25006', '... and writes nothing');

# what the primary changes and drops
$node->safe_psql('postgres', "ALTER SERVER appconfig OPTIONS (SET endpoint 'http://127.0.0.1:1', ADD max_attempts '1')");
$node->wait_for_catchup($standby);
is($session->failure($look), 'HV00N', 'the standby follows the primary: options');
$node->safe_psql('postgres', "ALTER SERVER appconfig OPTIONS (SET endpoint '" . $emulator->url . "')");
$node->wait_for_catchup($standby);
is($session->query($look), 'DONE', '... to and fro');
$node->safe_psql('postgres', 'SET client_min_messages = warning; DROP EXTENSION appconfig_fdw CASCADE; DROP SCHEMA appconfig');
$node->wait_for_catchup($standby);
is($session->failure($look), '42P01', '... and what it drops');
$node->safe_psql('postgres', 'CREATE EXTENSION appconfig_fdw');
create_server($node, 'appconfig', $emulator->url);
$node->wait_for_catchup($standby);
is($session->query($look), 'DONE', '... and makes again');

$node->stop;
$standby->promote;
is($session->query($look), 'DONE', 'after its promotion a session goes on');
is($session->query("ALTER SERVER appconfig OPTIONS (ADD cache_ttl '1min'); $look"), 'DONE', '... and may write');
is($standby->safe_psql('postgres', $all), 't|t', '... and a new session works');
$standby->stop;

unlike(slurp_file($_->logfile), qr/PANIC|TRAP|signal (6|7|11)\b/, 'nothing crashed but what was killed') foreach $node, $standby;

done_testing();
