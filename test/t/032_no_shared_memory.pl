# Where there is no shared memory to be had sessions are alone, and no query fails for that.
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
my $all = 'SELECT count(*) > 0, count(t.weight) > 0 FROM appconfig.treatments t JOIN appconfig.experiment_runs r
	USING (application_id, experiment_definition_id, run)';
my $told = qr/LOG: .*sessions cannot share what they know of AWS AppConfig: could not /;

# segments are files of this directory, so that its mode decides whether there can be one
my $node = new_node('short', 'dynamic_shared_memory_type = mmap', 'restart_after_crash = on');
my $directory = $node->data_dir . '/pg_dynshmem';
create_server($node, 'appconfig', $emulator->url);
add_environment($node);

# What the server's log has got since it was asked last
my $seen = 0;
sub news
{
	my $log = slurp_file($node->logfile, $seen);

	$seen += length $log;
	return $log;
}

# ---------------------------------------------------------------------
# Nobody has any
# ---------------------------------------------------------------------

$node->restart;
chmod 0500, $directory;
news();
my $session = open_session($node);
is($session->query($all), 't|t', 'there is no shared memory: a session works');
like(news(), $told, '... and the log says so');
is($session->query($all), 't|t', '... and works again');
unlike(news(), $told, '... which is not said each time');
is($session->failure('SELECT * FROM appconfig_fdw_stats(all_sessions => true)'), '53000', '... nor has it statistics of others');
is($session->query("BEGIN; $all; SAVEPOINT a; $all; ROLLBACK TO a; $all; COMMIT"), "t|t\nt|t\nt|t", '... in transactions as well');
is($session->failure('SELECT 1/0'), '22012', '... and goes on after an error');
is($session->query($all), 't|t', '... as before');
chmod 0700, $directory;
is($node->safe_psql('postgres', $all), 't|t', 'when there is some again another session works');
unlike(news(), $told, '... and shares');
is($session->query($all), 't|t', '... and the first one goes on');

# ---------------------------------------------------------------------
# PostgreSQL has some, but none for us
# ---------------------------------------------------------------------

$node->restart;
$node->safe_psql('postgres', q{SELECT make_segment('other')});
chmod 0500, $directory;
news();
is($node->safe_psql('postgres', $all), 't|t', 'there is no memory for another segment: a session works');
like(news(), $told, '... and the log says so');
chmod 0700, $directory;
# minor versions differ in whether the registry gets over that before a restart
is($node->safe_psql('postgres', $all), 't|t', '... and another one, when there is some again');
$node->restart;
news();
is($node->safe_psql('postgres', $all), 't|t', '... and after a restart');
unlike(news(), $told, '... which shares');

$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|WARNING|signal/, 'nothing worse has happened');

done_testing();
