# Memory: one answer, whatever is in it, takes a small multiple of its size, which is given back,
# and its parsing ends soon when the query is to end.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $hard_limit = 5000;    # milliseconds
my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

my $emulator = start_emulator();
my $node = new_node('memory');

create_server($node, 'kept', $emulator->url, max_get_rate => 0, max_list_rate => 0, max_attempts => 1,
	cache_ttl => '1h', cache_size => '64MB');

# ---------------------------------------------------------------------
# Answers full of next to nothing
# ---------------------------------------------------------------------

my $megabytes = 16;
my $largest = $megabytes * 1024 * 1024;

# An answer of that size with a list of so many times the same
sub answer_of
{
	my ($unit) = @_;
	my $head = '{"ApplicationId":"339ohji","ExperimentDefinitionId":"bsxyd7k","Run":1,"Status":"RUNNING",'
	  . '"ExperimentDefinitionSnapshot":{"FlagKey":"f","Treatments":[';
	my $times = int(($largest - length($head) - 10) / (length($unit) + 1));

	return $head . ("$unit," x ($times - 1)) . "$unit]}}";
}

# Memory of a process in MB: VmHWM is the most so far
sub memory
{
	my ($pid, $what) = @_;

	return slurp_file("/proc/$pid/status") =~ /^$what:\s+(\d+) kB/m ? $1 / 1024 : die "no $what";
}

foreach my $unit ('{}', '1', '{"":0}')
{
	my $session = open_session($node);
	my $pid = $session->query('SELECT pg_backend_pid()');
	my $read = "SELECT flag_key FROM kept.experiment_runs WHERE $run";

	$session->query('TABLE kept.applications');
	my $before = memory($pid, 'VmRSS');
	$emulator->faults({ kind => 'status', operation => 'GetExperimentRun', status => 200, body => answer_of($unit) });
	is($session->query($read), 'f', "an answer full of $unit is read");
	my $peak = memory($pid, 'VmHWM') - $before;
	note sprintf('%s: %.0f MB at most', $unit, $peak);
	# the body as it grows, and what it is parsed into
	cmp_ok($peak, '<', 20 * $megabytes, '... in a small multiple of its size');
	$emulator->reset;

	# no call: this is the time that parsing takes
	my $started = time;
	is($session->failure("SET statement_timeout = 20; $read"), '57014', '... a timeout ends its parsing');
	my $late = (time - $started) * 1000 - 20;
	note sprintf('%s: %.0f ms late', $unit, $late);
	cmp_ok($late, '<', $hard_limit, '... soon');
	$session->query("RESET statement_timeout");
	is($session->query($read), 'f', '... and the copy is still good');
	is($session->failure("SELECT experiment_definition_snapshot FROM kept.experiment_runs WHERE $run"), 'HV000',
		'... but no value of SQL is made of it');
	is($emulator->calls, 'none', '... without a call');
	$session->query("ALTER SERVER kept OPTIONS (SET cache_size '0'); TABLE kept.applications");
	cmp_ok(memory($pid, 'VmRSS') - $before, '<', 2 * $megabytes, '... and its memory is given back');
	$session->query("ALTER SERVER kept OPTIONS (SET cache_size '64MB')");
}

done_testing();
