# Memory: one answer, whatever is in it, takes a small multiple of its size and is given up soon
# when the query is to end.  And where memory runs out, in each single allocation in turn: a
# statement gives the right rows or one clean error, its backend stays, and the next statement is
# right, also where it is served from what the session has kept.
#
# By default at most some 40 allocations of a statement fail; FAIL_EACH_ALLOCATION=1 lets each of
# them fail.  They are the extension's own and those that it makes for libcurl; FAIL_ALLOCATIONS_OF
# =extension,libcurl adds the few that libcurl makes by itself.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use Fcntl qw(O_RDWR O_CREAT);
use List::Util qw(min);
use POSIX qw(ceil);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

my $control = PostgreSQL::Test::Utils::tempdir() . '/control';
my $shim = build_preload('failing_malloc');
my @numbers = qw(pid whose fail_at go_on count failed);

# The numbers that the preloaded library goes by, and tells
sub set_control
{
	my (%set) = @_;

	sysopen(my $file, $control, O_RDWR | O_CREAT) or die "$control: $!";
	syswrite($file, pack('q*', map { $set{$_} // 0 } @numbers)) or die "$control: $!";
	close($file);
}

sub get_control
{
	my %get;

	@get{@numbers} = unpack('q*', slurp_file($control));
	return %get;
}

set_control();
my $emulator = start_emulator();
my $node;
{
	local $ENV{LD_PRELOAD} = $shim;
	local $ENV{FAILING_MALLOC} = $control;
	$node = new_node('memory');
}
create_server($node, 'fresh', $emulator->url, max_get_rate => 0, max_list_rate => 0, max_attempts => 1);
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

	# names of one flat object, each another one
	return $head . '{' . join(',', map { qq{"$_":0} } 1 .. int($largest / 12)) . '}]}}' if $unit eq 'a member';
	return $head . ("$unit," x ($times - 1)) . "$unit]}}";
}

# Memory of a process in MB: VmHWM is the most so far
sub memory
{
	my ($pid, $what) = @_;

	return slurp_file("/proc/$pid/status") =~ /^$what:\s+(\d+) kB/m ? $1 / 1024 : die "no $what";
}

sub milliseconds
{
	my ($what) = @_;
	my $started = time;

	$what->();
	return (time - $started) * 1000;
}

foreach my $unit ('{}', '1', '{"":0}', 'a member')
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

	# no call: this is the time that parsing takes, and how much of it passes after a timeout of 20 ms
	my $whole = min(map { milliseconds(sub { $session->query($read) }) } 1 .. 3);
	my $late = min(map { milliseconds(sub { $session->failure("SET statement_timeout = 20; $read") }) } 1 .. 3) - 20;
	is($session->failure("SET statement_timeout = 20; $read"), '57014', '... a timeout ends its parsing');
	note sprintf('%s: %.0f ms late, of %.0f', $unit, $late, $whole);
	cmp_ok($late, '<', $whole / 2, '... long before it would have ended');
	$session->query("RESET statement_timeout");
	is($session->query($read), 'f', '... and the copy is still good');
	is($session->failure("SELECT experiment_definition_snapshot FROM kept.experiment_runs WHERE $run"), 'HV000',
		'... but no value of SQL is made of it');
	is($emulator->calls, 'none', '... without a call');
	$session->query("ALTER SERVER kept OPTIONS (SET cache_size '0'); TABLE kept.applications");
	cmp_ok(memory($pid, 'VmRSS') - $before, '<', 2 * $megabytes, '... and its memory is given back');
	$session->query("ALTER SERVER kept OPTIONS (SET cache_size '64MB')");
}

# ---------------------------------------------------------------------
# Memory that runs out
# ---------------------------------------------------------------------

my %bits = (extension => 1, libcurl => 2);
my $whose = 0;

$whose |= $bits{$_} // die "whose allocations are $_?" foreach split /,/, $ENV{FAIL_ALLOCATIONS_OF} // 'extension';

my $cart = "r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1'";
my $long = "r.application_id = 'app120x' AND r.experiment_definition_id = 'def120x'";
my $by_run = 'USING (application_id, experiment_definition_id, run)';
my @statements = (
	{
		name => 'a look-up',
		sql => "SELECT * FROM fresh.experiment_runs WHERE $run",
	},
	{
		name => 'a join',
		sql => "SELECT r.*, a.* FROM fresh.treatments r JOIN fresh.attribute_values a $by_run WHERE $cart AND r.run < 3",
	},
	{
		name => 'a list of several pages',
		sql => "SELECT run, status, started_at FROM fresh.experiment_runs r WHERE $long",
	},
	{
		name => 'documents beyond work_mem',
		settings => 'SET work_mem = 64; SET enable_hashjoin = off; SET enable_mergejoin = off',
		sql => "SELECT r.run, r.exposure_percentage, t.treatment_key FROM fresh.experiment_runs r "
		  . "JOIN fresh.treatments t $by_run WHERE $long AND r.run <= 10",
	},
	{
		name => 'a transaction that sees one state',
		settings => "SET work_mem = 64; SET default_transaction_isolation = 'repeatable read'",
		sql => 'SELECT r.run, r.exposure_percentage, seen(r.run) FROM fresh.experiment_runs r '
		  . "WHERE $long AND r.run <= 10",
	},
	{
		name => 'copies that the session has',
		sql => 'SELECT run, result_executive_summary, experiment_definition_snapshot FROM kept.experiment_runs r '
		  . "WHERE $cart",
	},
	{
		name => 'an error',
		sql => "SELECT status FROM fresh.experiment_runs WHERE $run",
		fault => { kind => 'status', operation => 'GetExperimentRun', status => 400, code => 'BadRequestException',
			message => 'no' },
	});

# a statement of its own, which is run again where memory has run out
$node->safe_psql('postgres', qq{
	CREATE FUNCTION seen(wanted int) RETURNS text LANGUAGE plpgsql AS \$\$
	BEGIN
		BEGIN
			RETURN (SELECT string_agg(treatment_key, ' ') FROM fresh.treatments r WHERE $long AND r.run = wanted);
		EXCEPTION WHEN out_of_memory THEN
			RETURN (SELECT string_agg(treatment_key, ' ') FROM fresh.treatments r WHERE $long AND r.run = wanted);
		END;
	END \$\$});

# What a statement gives: its rows, or the SQLSTATE of its one error
sub outcome
{
	my ($session, $sql) = @_;
	my ($out, $err) = $session->run($sql);
	my @errors = $err =~ /^(?:psql:[^:]*:\d+: )?(?:ERROR|FATAL|PANIC):/mg;

	return @errors == 0 ? $out : @errors == 1 ? 'SQLSTATE ' . sqlstate_of($err) : "several errors: $err";
}

sub descriptors
{
	my ($pid) = @_;
	my @all = glob("/proc/$pid/fd/*");

	return scalar @all;
}

# What may come of an allocation that failed, beside the right rows
my $clean = qr/^SQLSTATE 53200$/;
my ($tried, $answered) = (0, 0);

foreach my $statement (@statements)
{
	my $sql = $statement->{sql};

	foreach my $go_on (0, 1)
	{
		my $what = $statement->{name} . ($go_on ? ', from one allocation on' : '');
		my $session = open_session($node);
		my $pid = $session->query('SELECT pg_backend_pid()');
		my %wrong;

		$session->query($statement->{settings} // 'RESET ALL');
		$emulator->faults($statement->{fault} // ());
		my $right = outcome($session, $sql);
		outcome($session, $sql);
		# what is lost each time is more than what may be connected beside
		my $descriptors = descriptors($pid) + 16;
		set_control(pid => $pid, whose => $whose);
		is(outcome($session, $sql), $right, "$what: twice the same");
		my %counted = get_control();
		cmp_ok($counted{count}, '>', 0, "$what: allocations") or next;
		my $step = $ENV{FAIL_EACH_ALLOCATION} ? 1 : ceil($counted{count} / 40);

		for (my $n = 1 ;; $n += $step)
		{
			set_control(pid => $pid, whose => $whose, fail_at => $n, go_on => $go_on);
			my $outcome = outcome($session, $sql);
			my %got = get_control();
			set_control();
			last if $got{failed} == 0;
			$tried++;
			$answered++ if $outcome eq $right;
			$wrong{"$n: $outcome"} = 1 unless $outcome eq $right || $outcome =~ $clean;
			$outcome = outcome($session, $sql);
			$wrong{"$n, then: $outcome"} = 1 unless $outcome eq $right;
		}
		is(join(', ', sort keys %wrong), '', "$what: each of $counted{count} can fail");
		is($session->query('SELECT pg_backend_pid()'), $pid, "$what: the backend stays");
		cmp_ok(descriptors($pid), '<=', $descriptors, "$what: no descriptor is lost");
	}
}
note "$tried allocations have failed, $answered times with the right rows";
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
