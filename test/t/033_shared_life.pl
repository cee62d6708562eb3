# What sessions share ends with the server's memory and is each server's own; a setting that comes before the library
# counts for it.
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
my $done = "SELECT exposure_percentage FROM appconfig.experiment_runs
	WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND status = 'DONE'";
# what a session asks for that knows nothing, and one that others have told what is done
my $all_calls = 'GetExperimentRun 1, ListExperimentRuns 1';
my $few_calls = 'ListExperimentRuns 1';

my $node = new_node('shared', 'restart_after_crash = on', 'wal_level = replica', 'max_wal_senders = 4', 'hot_standby = on');
create_server($node, 'appconfig', $emulator->url);

# The calls that SQL needs in a session of its own, as a user of a database of a server
sub calls_of
{
	my (%in) = (node => $node, database => 'postgres', sql => '', @_);

	$emulator->clear;
	$in{node}->safe_psql($in{database}, "$in{sql};$done");
	return $emulator->calls;
}

is(calls_of(), $all_calls, 'a first session fetches what is done');
is(calls_of(), $few_calls, '... and a second one does not');

# ---------------------------------------------------------------------
# Memory that ends
# ---------------------------------------------------------------------

kill_victim($node, $emulator, $done);
is(calls_of(), $all_calls, '... and its server begins anew');
is(calls_of(), $few_calls, '... and shares again');
$node->restart;
is(calls_of(), $all_calls, 'a server that is restarted begins anew');
is(calls_of(), $few_calls, '... and shares');

# ---------------------------------------------------------------------
# Extensions that come and go
# ---------------------------------------------------------------------

my $session = open_session($node);
$session->query($done);
$node->safe_psql('postgres', 'SET client_min_messages = warning; DROP EXTENSION appconfig_fdw CASCADE; DROP SCHEMA appconfig');
$node->safe_psql('postgres', 'CREATE EXTENSION appconfig_fdw');
create_server($node, 'appconfig', $emulator->url);
is(calls_of(), $few_calls, 'what is shared is of the account, not of an extension that has gone');
$emulator->clear;
is($session->query($done), '50', '... and a session that used the last one goes on');
is($emulator->calls, $few_calls, '... with what is shared');

$node->safe_psql('postgres', 'CREATE DATABASE another');
$node->safe_psql('another', 'CREATE EXTENSION appconfig_fdw');
$node->safe_psql('another', qq{
	CREATE SERVER appconfig FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', endpoint '} . $emulator->url . qq{');
	CREATE USER MAPPING FOR CURRENT_USER SERVER appconfig
		OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
	CREATE SCHEMA appconfig;
	IMPORT FOREIGN SCHEMA appconfig FROM SERVER appconfig INTO appconfig});
is(calls_of(database => 'another'), $few_calls, '... and of all databases');

# ---------------------------------------------------------------------
# A standby
# ---------------------------------------------------------------------

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is(calls_of(node => $standby), $all_calls, 'a standby has memory of its own');
is(calls_of(node => $standby), $few_calls, '... which its sessions share');
$standby->promote;
is(calls_of(node => $standby), $few_calls, '... and keep when it is promoted');
$standby->stop;

# ---------------------------------------------------------------------
# The setting
# ---------------------------------------------------------------------

$node->safe_psql('postgres', 'CREATE ROLE plain LOGIN');
my ($out, $err) = ($node->psql('postgres', q{
	SET appconfig_fdw.shared_cache_size = 0;
	SELECT appconfig_treatment_key('__t1__');
	SHOW appconfig_fdw.shared_cache_size}, connstr => $node->connstr('postgres') . ' user=plain'))[1, 2];
is($out, "t1\n64MB", 'a setting of a user who may not, before the library is loaded, does not count');
like($err, qr/WARNING: .*permission denied to set parameter "appconfig_fdw\.shared_cache_size"/, '... and is told of');

$node->append_conf('postgresql.conf', 'appconfig_fdw.shared_cache_size = 0');
$node->restart;
is(calls_of(), $all_calls, 'a setting of postgresql.conf, where no library is loaded, turns sharing off');
is(calls_of(), $all_calls, '... for all');
is(calls_of(sql => q{SET appconfig_fdw.shared_cache_size = '1MB'}), $all_calls, '... unless a superuser turns it on');
is(calls_of(sql => q{SET appconfig_fdw.shared_cache_size = '1MB'}), $few_calls, '... again');
$node->append_conf('postgresql.conf', "appconfig_fdw.shared_cache_size = '1MB'\nshared_preload_libraries = 'appconfig_fdw'");
$node->restart;
is(calls_of(), $all_calls, 'a library that is preloaded begins anew as well');
is(calls_of(), $few_calls, '... and shares');
$node->append_conf('postgresql.conf', 'appconfig_fdw.shared_cache_size = nonsense');
$node->reload;
is($node->safe_psql('postgres', 'SHOW appconfig_fdw.shared_cache_size'), '1MB', '... and refuses what is no size');

$node->stop;
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|signal (6|7|11)\b/, 'nothing crashed but what was killed') foreach $node, $standby;

done_testing();
