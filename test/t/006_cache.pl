# What a session keeps from statement to statement: runs that the service has frozen,
# and what cache_ttl allows; how much of it; whose it is; and what ends it.  The proof is
# the emulator's count of the calls, and that a copy is never served for something else.
#
#	what happens                               copies that the session keeps
#	-----------------------------------------  -----------------------------------------------
#	ALTER SERVER                               the server's go, of all roles
#	ALTER USER MAPPING                         the mapping's go, of all roles that use it
#	DROP or CREATE USER MAPPING                another mapping has copies of its own
#	either of them rolled back                 the same, twice: with the change and with its end
#	either of them in another session          the same, with the next statement
#	SET ROLE, SECURITY DEFINER, view's owner   each role has its own; they stay for its return
#	another server, of the same account, too   each server has its own
#	a list shows a run otherwise               the run's goes
#	cache_ttl, cache_size                      too old: asked again; too many: least recent go
#	an error, a 404                            never kept; other copies stay
#	ROLLBACK, to a savepoint, too              stay: they have been read, not written
#	the end of the session                     all go

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
# the same but for one run, and to be asked by anybody, the test as well
my $elsewhere = start_emulator('--no-verify');
my $node = new_node('cache', shares_nothing());
my %fast = (max_get_rate => 0, max_list_rate => 0);
create_server($node, 'frozen', $emulator->url, %fast);
create_server($node, 'kept', $emulator->url, %fast, cache_ttl => '1h');
create_server($node, 'twin', $emulator->url, %fast, cache_ttl => '1h');
create_server($node, 'other', $elsewhere->url, %fast, cache_ttl => '1h');

my $session = open_session($node);
my $definitions = 0;

# A definition of its own for a subtest, with runs 1 and 2 DONE and 3 RUNNING; its id
sub new_definition
{
	my $id = sprintf('cache%02d', ++$definitions);
	my %where = (application => 'shop4x1', definition => $id);

	$emulator->mutate('put', kind => 'definition', document => {
		ApplicationId => 'shop4x1', Id => $id, Name => $id, Status => 'IDLE', EnvironmentId => 'prod7e2',
		ConfigurationProfileId => 'flagp51', FlagKey => 'f', Control => { Key => 'c', Weight => 50, FlagValue => {} },
		Treatments => [ { Key => 't1', Weight => 50, FlagValue => {} } ] });
	$emulator->mutate('start_run', %where, exposure => $_) foreach (1 .. 3);
	$emulator->mutate('stop_run', %where, run => $_) foreach (1, 2);
	return $id;
}

# The document of a run, to be put again with changes
sub document_of
{
	my ($definition, $run) = @_;
	my @found = grep { $_->{ExperimentDefinitionId} eq $definition && $_->{Run} == $run }
	  @{ $emulator->control('GET', 'dump')->{experiment_runs} };

	return %{ $found[0] };
}

sub put_run
{
	my (%document) = @_;

	return $emulator->mutate('put', kind => 'run', document => \%document);
}

# shows(NAME, SQL, OUTPUT, CALLS)
sub shows
{
	my ($name, $sql, $expected, $calls) = @_;

	$emulator->clear;
	is($session->query($sql), $expected, $name);
	is($emulator->calls, $calls, '... with the calls expected');
}

# The access keys that were used since the last clear, each once, in order of their first use
sub keys_used
{
	my %seen;

	return join(' ', grep { !$seen{$_}++ } map { $_->{key} } @{ $emulator->control('GET', 'log') });
}

my $list = 'ListExperimentRuns 1';

# ---------------------------------------------------------------------
# Frozen runs
# ---------------------------------------------------------------------

subtest 'a run that a list shows as done and unchanged is not fetched again' => sub {
	my $id = new_definition();
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);
	my %run1;

	shows('the first statement', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 RUNNING 3', "GetExperimentRun 3, $list");
	shows('the second', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 RUNNING 3', "GetExperimentRun 1, $list");
	$emulator->mutate('update_run', %run3, exposure => 33);
	shows('what runs is fresh', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 RUNNING 33', "GetExperimentRun 1, $list");
	$emulator->mutate('stop_run', %run3);
	shows('what has ended is fetched once more', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	shows('... and no more', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 DONE 33', $list);
	shows('another table of the runs', 'SELECT count(*) FROM frozen.treatments WHERE ' . where($id), '6', $list);
	shows('two tables of the runs', 'SELECT count(*), min(exposure_percentage) FROM frozen.treatments t JOIN frozen.experiment_runs r'
		  . ' USING (application_id, experiment_definition_id, run) WHERE ' . where($id), '6|1', $list);

	%run1 = document_of($id, 1);
	put_run(%run1, ExposurePercentage => 11, UpdatedAt => '2026-11-11T11:11:11Z');
	shows('another UpdatedAt', list_runs('frozen', $id), '1 DONE 11, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	shows('... counts once', list_runs('frozen', $id), '1 DONE 11, 2 DONE 2, 3 DONE 33', $list);
	put_run(%run1, ExposurePercentage => 12, UpdatedAt => '2026-11-11T11:11:11Z', EndedAt => '2026-11-11T11:11:11Z');
	shows('another EndedAt', list_runs('frozen', $id), '1 DONE 12, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	put_run(%run1, ExposurePercentage => 13, UpdatedAt => '2026-11-11T11:11:11Z', EndedAt => '2026-11-11T11:11:11Z', Status => 'RUNNING');
	shows('another status', list_runs('frozen', $id), '1 RUNNING 13, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	delete @run1{ 'UpdatedAt', 'EndedAt' };
	put_run(%run1, ExposurePercentage => 14);
	shows('no times', list_runs('frozen', $id), '1 DONE 14, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	shows('... are the same as no times', list_runs('frozen', $id), '1 DONE 14, 2 DONE 2, 3 DONE 33', $list);
	put_run(%run1, ExposurePercentage => 15, Status => 'ARCHIVED');
	shows('a status that no model knows', list_runs('frozen', $id), '1 ARCHIVED 15, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	shows('... is no frozen one', list_runs('frozen', $id), '1 ARCHIVED 15, 2 DONE 2, 3 DONE 33', "GetExperimentRun 1, $list");
	$emulator->mutate('delete_definition', application => 'shop4x1', definition => $id);
	shows('what is gone is gone', list_runs('frozen', $id), '', $list);
};

subtest 'a run that is known by its keys alone is asked for' => sub {
	my $id = new_definition();
	my $two = 'SELECT sum(exposure_percentage) FROM frozen.experiment_runs WHERE ' . where($id) . ' AND run IN (1, 2)';

	shows("time $_", $two, '3', 'GetExperimentRun 2') foreach (1, 2);
	shows('a list finds the copies', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 RUNNING 3', "GetExperimentRun 1, $list");
	put_run(document_of($id, 1), ExposurePercentage => 11);
	shows('a change that no list would show', $two, '13', 'GetExperimentRun 2');
};

subtest 'keys from a join with a list find the copies, too' => sub {
	my $id = new_definition();
	my $where = where($id);
	my $nested = "SELECT string_agg((SELECT sum(weight) FROM frozen.treatments t WHERE $where AND t.run = l.run)::text, ' ' ORDER BY run)"
	  . " FROM frozen.experiment_runs l WHERE $where";
	my $join = "SELECT count(*), sum(weight) FROM frozen.experiment_runs l JOIN frozen.treatments t"
	  . ' USING (application_id, experiment_definition_id, run) WHERE l.application_id = \'shop4x1\''
	  . " AND l.experiment_definition_id = '$id' AND l.status = 'DONE'";

	like($session->query("EXPLAIN $nested"), qr/SubPlan/, 'a sub-plan with keys');
	shows('correlated sub-select', $nested, '100 100 100', "GetExperimentRun 3, $list");
	shows('... again', $nested, '100 100 100', "GetExperimentRun 1, $list");
	# only a nested loop hands the runs over, and where it keeps the inner table it does not
	$session->query('SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off');
	shows('nested loop', $join, '4|200', $list);
	put_run(document_of($id, 1), UpdatedAt => '2026-11-11T11:11:11Z', ExperimentDefinitionSnapshot => undef);
	shows('a run that has changed', $join, '2|100', "GetExperimentRun 1, $list");
	$emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 3);
	shows('a run that has ended', $join, '4|200', "GetExperimentRun 1, $list");
	shows('... again', $join, '4|200', $list);
	$session->query('RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material');
};

subtest 'a run that ends between its list and its document' => sub {
	my $id = new_definition();

	$emulator->faults({ kind => 'change', operation => 'ListExperimentRuns', times => 1,
		mutation => { action => 'stop_run', application => 'shop4x1', definition => $id, run => 3 } });
	shows('is done', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 DONE 3', "GetExperimentRun 3, $list");
	shows('... and then frozen', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 DONE 3', $list);
	$emulator->faults();
};

# ---------------------------------------------------------------------
# cache_ttl
# ---------------------------------------------------------------------

subtest 'cache_ttl serves everything again' => sub {
	my $id = new_definition();
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);
	my $before = '1 DONE 1, 2 DONE 2, 3 RUNNING 3';
	my $after = '1 DONE 1, 2 DONE 2, 3 RUNNING 30';

	shows('first', list_runs('kept', $id), $before, "GetExperimentRun 3, $list");
	$emulator->mutate('update_run', %run3, exposure => 30);
	shows('then', list_runs('kept', $id), $before, 'none');
	shows('by keys', get_run('kept', $id, 3), '3', 'none');
	shows('names', "SELECT DISTINCT application_name FROM kept.experiment_runs WHERE " . where($id), 'storefront', 'GetApplication 1');
	shows('... once', "SELECT DISTINCT application_name FROM kept.experiment_runs WHERE " . where($id), 'storefront', 'none');
	shows('a new connection begins with none', "\\c -\n" . list_runs('kept', $id), $after, "GetExperimentRun 3, $list");
};

subtest 'cache_ttl counts from the next statement on' => sub {
	my $id = new_definition();
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);

	shows('none', get_run('frozen', $id, 3), '3', 'GetExperimentRun 1');
	foreach my $step ([ "ADD cache_ttl '1h'", 1 ], [ "SET cache_ttl '0'", 0 ], [ "SET cache_ttl '1d'", 1 ], [ 'DROP cache_ttl', 0 ])
	{
		my ($alter, $keeps) = @$step;

		$session->query("ALTER SERVER frozen OPTIONS ($alter)");
		$emulator->mutate('update_run', %run3, exposure => 40);
		shows($alter, get_run('frozen', $id, 3), '40', 'GetExperimentRun 1');
		$emulator->mutate('update_run', %run3, exposure => 41);
		shows('... again', get_run('frozen', $id, 3), $keeps ? ('40', 'none') : ('41', 'GetExperimentRun 1'));
	}
};

subtest 'a list that shows a run as done ends an older copy of it' => sub {
	my $id = new_definition();
	my $run = "SELECT status, ended_at IS NULL FROM kept.experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = '$id' AND run";

	is($session->query("$run = 3"), 'RUNNING|t', 'kept while it runs');
	$emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 3);
	is($session->query("$run >= 3 UNION ALL $run = 3"), "DONE|f\nDONE|f", 'list and document');
};

subtest 'cache_ttl ends' => sub {
	my $id = new_definition();

	$session->query("ALTER SERVER kept OPTIONS (SET cache_ttl '1ms')");
	$session->query(get_run('kept', $id, 3));
	$emulator->mutate('update_run', application => 'shop4x1', definition => $id, run => 3, exposure => 5);
	wait_until('the copy to be too old', sub { $session->query(get_run('kept', $id, 3)) == 5 });
	pass('the copy becomes too old');
	$session->query("ALTER SERVER kept OPTIONS (SET cache_ttl '1h')");
};

subtest 'errors are never kept' => sub {
	my $id = new_definition();

	foreach my $fault ({ kind => 'status', status => 400, code => 'BadRequestException' }, { kind => 'malformed' },
		{ kind => 'not-object' }, { kind => 'status', status => 403, code => 'AccessDeniedException' })
	{
		foreach my $case ([ 'GetExperimentRun', get_run('kept', $id, 2), '2', 'GetExperimentRun 1' ],
			[ 'ListExperimentRuns', 'SELECT count(*) FROM kept.experiment_runs WHERE ' . where($id), '3', $list ])
		{
			my ($operation, $sql, $expected, $calls) = @$case;
			my $kind = $fault->{code} // $fault->{kind};

			# a new session
			$session->query("\\c -");
			$emulator->faults({ %$fault, operation => $operation });
			isnt($session->failure($sql), '00000', "$kind, $operation");
			$emulator->faults();
			shows('... then it is asked for again', $sql, $expected, $calls);
			shows('... and then kept', $sql, $expected, 'none');
		}
	}
};

subtest 'what is not there is asked for each time' => sub {
	my $id = new_definition();

	shows("a run, time $_", get_run('kept', $id, 4), '', 'GetExperimentRun 1') foreach (1, 2);
	$emulator->mutate('start_run', application => 'shop4x1', definition => $id, exposure => 4);
	shows('... until it is there', get_run('kept', $id, 4), '4', 'GetExperimentRun 1');
	shows('... and then kept', get_run('kept', $id, 4), '4', 'none');
	shows("a list, time $_", "SELECT count(*) FROM kept.experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'none000'",
		'0', $list) foreach (1, 2);
};

# The call of a cursor that waits for its turn goes out, together with another one
sub sends_call
{
	my ($id, $run) = @_;

	$emulator->clear;
	$session->query(get_run('kept', $id, 2) . ' AND exposure_percentage > 0; '
		  . "SELECT count(*) FROM kept.experiment_definitions WHERE application_id = 'shop4x1' AND environment_id = '$id'");
	wait_until('the call of the cursor', sub { grep { $_->{target} =~ m{$id/experimentruns/$run$} } @{ $emulator->control('GET', 'log') } });
}

subtest 'an answer does not replace a later one' => sub {
	my $id = new_definition();
	my $row = "SELECT run, exposure_percentage FROM kept.experiment_runs WHERE " . where($id);

	# one call at a time: with the first row, the second run has been asked for and not been read
	$session->query("ALTER SERVER kept OPTIONS (ADD max_concurrency '1')");
	$session->query("BEGIN; DECLARE c CURSOR FOR $row AND run IN (1, 2, 3)");
	is($session->query('FETCH 1 FROM c'), '1|1', 'a cursor');
	# its call goes out, together with another one
	$session->query(get_run('kept', $id, 1) . ' AND exposure_percentage > 0; '
		  . "SELECT count(*) FROM kept.experiment_definitions WHERE application_id = 'shop4x1'");
	wait_until('the call of the cursor', sub { grep { $_->{target} =~ m{$id/experimentruns/2$} } @{ $emulator->control('GET', 'log') } });
	put_run(document_of($id, 2), ExposurePercentage => 22);
	shows('a later statement', get_run('kept', $id, 2), '22', 'GetExperimentRun 1');
	is($session->query('FETCH 1 FROM c'), '2|2', 'the cursor goes on with what it had asked for');
	shows('the later answer stays', get_run('kept', $id, 2), '22', 'none');
	$session->query('COMMIT; ALTER SERVER kept OPTIONS (DROP max_concurrency)');
};

subtest 'an answer from before a list is not combined with it' => sub {
	my $id = new_definition();
	my $where = where($id);
	my $run = "SELECT run, status FROM kept.experiment_runs WHERE $where AND exposure_percentage > 0 AND run";

	# a first cursor has asked for two runs and read one of them
	$session->query("ALTER SERVER kept OPTIONS (ADD max_concurrency '1')");
	$session->query("BEGIN; DECLARE a CURSOR FOR $run IN (1, 3)");
	is($session->query('FETCH 1 FROM a'), '1|DONE', 'a cursor');
	sends_call($id, 3);
	$emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 3);
	# a second one reads a list that shows the other run as done, and then its document by keys
	$session->query("DECLARE b CURSOR FOR SELECT status FROM kept.experiment_runs WHERE $where AND run >= 3"
		  . " UNION ALL SELECT status FROM kept.experiment_runs WHERE $where AND run = 3 AND exposure_percentage > 0");
	is($session->query('FETCH 1 FROM b'), 'DONE', 'a later one sees the other run end');
	is($session->query('FETCH 1 FROM a'), '3|RUNNING', 'the first goes on with what it had asked for');
	is($session->query('FETCH 1 FROM b'), 'DONE', '... which is not for the second');
	$session->query('COMMIT; ALTER SERVER kept OPTIONS (DROP max_concurrency)');
};

subtest 'an answer does not come after a later one that has gone' => sub {
	my $id = new_definition();
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);
	my $run = 'SELECT run, exposure_percentage FROM kept.experiment_runs WHERE ' . where($id) . ' AND run';

	$session->query("ALTER SERVER kept OPTIONS (ADD max_concurrency '1', ADD cache_size '64kB')");
	$session->query("BEGIN; DECLARE a CURSOR FOR $run IN (1, 3)");
	is($session->query('FETCH 1 FROM a'), '1|1', 'a cursor');
	sends_call($id, 3);
	$emulator->mutate('update_run', %run3, exposure => 30, description => 'd' x 30_000);
	put_run(document_of($id, 1), Run => $_, Description => 'd' x 30_000) foreach (4, 5);
	is($session->query("$run = 3"), '3|30', 'a later statement');
	is($session->query("$run = 4; $run = 5"), "4|1\n5|1", 'others, which need all of the room');
	is($session->query('FETCH 1 FROM a'), '3|3', 'the cursor goes on with what it had asked for');
	is($session->query("$run = 3"), '3|30', '... and nobody else');
	$session->query('COMMIT; ALTER SERVER kept OPTIONS (DROP max_concurrency, DROP cache_size)');
};

# ---------------------------------------------------------------------
# cache_size
# ---------------------------------------------------------------------

subtest 'cache_size bounds what is kept' => sub {
	my $id = new_definition();
	my $sql = sub { get_run('kept', $id, $_[0]) };

	put_run(document_of($id, $_), Description => 'd' x 30_000) foreach (1 .. 3);
	$session->query("ALTER SERVER kept OPTIONS (ADD cache_size '0')");
	shows("0 keeps nothing, time $_", $sql->(1), '1', 'GetExperimentRun 1') foreach (1, 2);
	shows("... of a frozen run, time $_", list_runs('kept', $id), '1 DONE 1, 2 DONE 2, 3 RUNNING 3', "GetExperimentRun 3, $list")
	  foreach (1, 2);

	$session->query("ALTER SERVER kept OPTIONS (SET cache_size '64kB')");
	foreach my $step ([ 1, 1 ], [ 2, 1 ], [ 1, 0 ], [ 3, 1 ], [ 1, 0 ], [ 3, 0 ], [ 2, 1 ], [ 3, 0 ], [ 1, 1 ])
	{
		my ($run, $asked) = @$step;

		shows("room for two, run $run", $sql->($run), $run, $asked ? 'GetExperimentRun 1' : 'none');
	}
	put_run(document_of($id, 2), Description => 'd' x 100_000);
	shows("what is larger than the cache, time $_", $sql->(2), 2, 'GetExperimentRun 1') foreach (1, 2);
	shows("... drives nothing out, run $_", $sql->($_), $_, 'none') foreach (1, 3);
	$session->query('ALTER SERVER kept OPTIONS (DROP cache_size)');
};

subtest 'the least recently used frozen run goes first' => sub {
	my $id = new_definition();
	my $sql = sub { list_runs('frozen', $id) . " AND abs(run) = $_[0]" };

	$emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 3);
	put_run(document_of($id, $_), Description => 'd' x 30_000) foreach (1 .. 3);
	$session->query("ALTER SERVER frozen OPTIONS (ADD cache_size '64kB')");
	foreach my $step ([ 1, 1 ], [ 2, 1 ], [ 1, 0 ], [ 3, 1 ], [ 1, 0 ], [ 2, 1 ])
	{
		my ($run, $asked) = @$step;

		shows("run $run", $sql->($run), "$run DONE $run", $asked ? "GetExperimentRun 1, $list" : $list);
	}
	$session->query('ALTER SERVER frozen OPTIONS (DROP cache_size)');
};

subtest 'memory stays within cache_size' => sub {
	my $bytes = "SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'appconfig_fdw cache'";
	my $all = "SELECT count(exposure_percentage) FROM kept.experiment_runs WHERE application_id = 'app120x'"
	  . " AND experiment_definition_id = 'def120x'";

	$session->query("ALTER SERVER kept OPTIONS (ADD cache_size '32kB')");
	my @sizes = split /\n/, $session->query("\\c -\n$all; $bytes; $all; $all; $bytes;" . "$all;" x 10 . $bytes) =~ s/^120\n//gmr;

	note "@sizes";
	cmp_ok($sizes[0], '<', 128 * 1024, '120 runs take no more');
	cmp_ok($sizes[-1], '<=', $sizes[1], '... however often they are read');
	$session->query("ALTER SERVER kept OPTIONS (SET cache_size '16MB')");
	shows('the default has room for all of them', "$all; $all", "120\n120", 'GetExperimentRun 120, ListExperimentRuns 3');
	$session->query('ALTER SERVER kept OPTIONS (DROP cache_size)');
};

subtest 'a list is not continued where another statement has left off' => sub {
	my $id = new_definition();
	my $runs = "FROM kept.experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x'";

	# three pages, of which the second has to make room for a document
	put_run(document_of($id, 1), Description => 'd' x 18_000);
	$session->query("ALTER SERVER kept OPTIONS (ADD cache_size '32kB')");
	shows('a list', "SELECT count(*) $runs", 120, 'ListExperimentRuns 3');
	shows('... that is kept', "SELECT count(*) $runs", 120, 'none');
	shows('its beginning', "SELECT run $runs LIMIT 1", 120, 'none');
	shows('a document', get_run('kept', $id, 1), 1, 'GetExperimentRun 1');
	$emulator->clear;
	is($session->query("SELECT count(*) $runs"), 120, 'the list again');
	my @targets = map { $_->{target} } @{ $emulator->control('GET', 'log') };
	# nobody knows for how long the service takes a token
	unlike($targets[0], qr/next_token/, '... begins with its first page');
	$session->query('ALTER SERVER kept OPTIONS (DROP cache_size)');
};

# All rows of a list of three pages
my $pages = "SELECT run FROM kept.experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x'";

# The rest of cursor c, all 120 rows but the first
sub finishes
{
	my ($name) = @_;

	shows($name, "MOVE FORWARD ALL FROM c; FETCH BACKWARD 1 FROM c; COMMIT", 1, 'none');
}

subtest 'a list that a statement has begun to read stays' => sub {
	my $id = new_definition();
	my $cursor = "BEGIN; DECLARE c SCROLL CURSOR FOR $pages; FETCH 1 FROM c";
	my $count = "SELECT count(*) FROM ($pages) a";

	put_run(document_of($id, 1), Description => 'd' x 18_000);
	$session->query("ALTER SERVER kept OPTIONS (ADD cache_size '32kB', ADD max_concurrency '1')");
	shows('a list', $count, 120, 'ListExperimentRuns 3');
	shows('a cursor begins to read it', $cursor, 120, 'none');
	shows("there is no room for a document, time $_", get_run('kept', $id, 1), 1, 'GetExperimentRun 1') foreach (1, 2);
	finishes('... and the cursor goes on');
	shows('then there is room', get_run('kept', $id, 1), 1, 'GetExperimentRun 1');
	shows('... for one of them', get_run('kept', $id, 1), 1, 'none');
	shows('the list has gone as a whole', $count, 120, 'ListExperimentRuns 3');

	$session->query($cursor);
	$session->query("ALTER SERVER kept OPTIONS (DROP cache_size, ADD max_attempts '2')");
	finishes('a cursor that is older than an ALTER SERVER');

	$session->query($count);
	is($session->query("$cursor; SAVEPOINT a; $count; ROLLBACK TO a"), "120\n120", 'a cursor with a savepoint');
	finishes('... that is rolled back');
	$session->query($cursor);
	$session->failure('SELECT 1 / 0');
	$session->query('ROLLBACK');
	shows('a cursor that is aborted', $count, 120, 'none');
	$session->query("ALTER SERVER kept OPTIONS (DROP max_concurrency, DROP max_attempts)");
};

subtest 'a list that has become too old is read to its end' => sub {
	my $count = "SELECT count(*) FROM ($pages) a";
	my $asks = sub { $emulator->clear; $session->query($count); $emulator->calls ne 'none' };

	# in one step, for it must not take longer than cache_ttl
	$session->query("ALTER SERVER kept OPTIONS (ADD max_concurrency '1', SET cache_ttl '3s')");
	$emulator->clear;
	is($session->query("$count; BEGIN; DECLARE c SCROLL CURSOR FOR $pages; FETCH 1 FROM c"), "120\n120", 'a cursor');
	is($emulator->calls, 'ListExperimentRuns 3', '... on what is kept');
	wait_until('the list to be too old', $asks);
	is($emulator->calls, 'ListExperimentRuns 3', 'a later statement asks for all of it');
	finishes('... and the cursor for nothing');
	$session->query("ALTER SERVER kept OPTIONS (DROP max_concurrency, SET cache_ttl '1h')");
};

subtest 'a list is kept once all of it has been read' => sub {
	my $first = "$pages LIMIT 1";
	my $count = "SELECT count(*) FROM ($pages) a";
	my $twice = "SELECT count(*) FROM ($pages) a, ($pages) b";

	$session->query("ALTER SERVER kept OPTIONS (ADD max_concurrency '1')");
	shows("its beginning, time $_", $first, 120, $list) foreach (1, 2);
	shows('all of it', $count, 120, 'ListExperimentRuns 3');
	shows('... again', $count, 120, 'none');
	shows('its beginning', $first, 120, 'none');
	shows('twice in a statement', $twice, 14_400, 'none');

	# two cursors on one list, each with pages of its own
	$session->query("ALTER SERVER kept OPTIONS (SET max_concurrency '2')");
	shows('two cursors', "BEGIN; DECLARE c SCROLL CURSOR FOR $pages; FETCH 1 FROM c; DECLARE d SCROLL CURSOR FOR $pages; FETCH 1 FROM d;"
		  . ' MOVE FORWARD ALL FROM c; FETCH BACKWARD 1 FROM c; MOVE FORWARD ALL FROM d; FETCH BACKWARD 1 FROM d; COMMIT',
		"120\n120\n1\n1", 'ListExperimentRuns 6');
	shows('then it is there', $count, 120, 'none');

	# an answer that fails, in the middle
	$session->query("ALTER SERVER kept OPTIONS (DROP max_concurrency)");
	$emulator->faults({ kind => 'status', status => 400, code => 'BadRequestException', operation => 'ListExperimentRuns', after => 1 });
	isnt($session->failure($count), '00000', 'an error of the second page');
	$emulator->faults();
	shows('... then all of it is asked for', $count, 120, 'ListExperimentRuns 3');
};

# ---------------------------------------------------------------------
# What ends it
# ---------------------------------------------------------------------

my $keys = "access_key_id '$access_key', secret_access_key '$secret_key'";
my $other_keys = "access_key_id 'AKIDOTHER', secret_access_key 'other-secret'";
my $set_keys = $keys =~ s/\b(?=access_key_id|secret_access_key)/SET /gr;
my $set_other_keys = $other_keys =~ s/\b(?=access_key_id|secret_access_key)/SET /gr;

subtest 'options and keys that are altered' => sub {
	my $id = new_definition();
	my $look = get_run('kept', $id, 3);

	$session->query($look);
	shows('nothing has happened', $look, '3', 'none');
	foreach my $alter (
		"ALTER SERVER kept OPTIONS (ADD max_attempts '2')", "ALTER SERVER kept OPTIONS (SET max_attempts '4')",
		'ALTER SERVER kept OPTIONS (DROP max_attempts)', "ALTER SERVER kept OPTIONS (SET region 'us-east-1')",
		"ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($set_other_keys)",
		"ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($set_keys)",
		"DROP USER MAPPING FOR CURRENT_USER SERVER kept; CREATE USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($keys)",
		"DROP USER MAPPING FOR CURRENT_USER SERVER kept; CREATE USER MAPPING FOR PUBLIC SERVER kept OPTIONS ($other_keys)",
		"CREATE USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($keys); DROP USER MAPPING FOR PUBLIC SERVER kept",
		"ALTER SERVER kept VERSION '2'")
	{
		$session->query($alter);
		shows($alter, $look, '3', 'GetExperimentRun 1');
		shows('... once', $look, '3', 'none');
	}
	$session->query('DROP USER MAPPING FOR CURRENT_USER SERVER kept');
	isnt($session->failure($look), '00000', 'without keys no copy is served');
	$session->query("CREATE USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($keys)");
	is($session->query($look), '3', 'with keys there is one again');
};

# Both emulators have this run, with another exposure
my $example = "WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $look = "SELECT exposure_percentage FROM kept.experiment_runs $example";
my $everything = "SELECT exposure_percentage FROM kept.experiment_runs WHERE application_id = '339ohji'";
my $here = "ALTER SERVER kept OPTIONS (SET endpoint '" . $emulator->url . "')";
my $there = "ALTER SERVER kept OPTIONS (SET endpoint '" . $elsewhere->url . "')";
{
	my %document = document_of('bsxyd7k', 1);

	$elsewhere->mutate('put', kind => 'run', document => { %document, ExposurePercentage => 77 });
}

subtest 'changes of the server that are rolled back' => sub {
	foreach my $sql ($look, $everything)
	{
		is($session->query($sql), '50', 'here');
		is($session->query("BEGIN; $there; $sql; $sql; ROLLBACK; $sql; $sql"), "77\n77\n50\n50", 'another endpoint, rolled back');
		is($session->query("BEGIN; $sql; SAVEPOINT a; $there; $sql; ROLLBACK TO a; $sql; COMMIT; $sql"), "50\n77\n50\n50",
			'in a savepoint');
		is($session->query("BEGIN; $there; $sql; SAVEPOINT a; $here; $sql; ROLLBACK TO a; $sql; ROLLBACK; $sql"), "77\n50\n77\n50",
			'there and back');
		is($session->query("BEGIN; $there; $sql; SAVEPOINT a; $here; $sql; RELEASE a; $sql; ROLLBACK; $sql"), "77\n50\n50\n50",
			'a savepoint that is released');
		is($session->query("BEGIN; $there; ROLLBACK; $sql"), '50', 'nobody has looked');
		is($session->query("DO \$\$ BEGIN BEGIN EXECUTE \$a\$ $there \$a\$; PERFORM 1 FROM ($sql) a; RAISE division_by_zero;"
				  . ' EXCEPTION WHEN division_by_zero THEN END; END $$; ' . $sql), '50', 'an EXCEPTION block');
		is($session->query("BEGIN; DROP SERVER kept CASCADE; ROLLBACK; $sql"), '50', 'DROP SERVER');
		is($session->query("$there; $sql; BEGIN; $here; $sql; COMMIT; $sql"), "77\n50\n50", 'and one that is committed');
	}
};

subtest 'changes of the keys that are rolled back' => sub {
	my $alter = "ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($set_other_keys)";
	my $replace = "DROP USER MAPPING FOR CURRENT_USER SERVER kept; CREATE USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($other_keys)";
	my $public = "DROP USER MAPPING FOR CURRENT_USER SERVER kept; CREATE USER MAPPING FOR PUBLIC SERVER kept OPTIONS ($other_keys)";
	my $id = new_definition();
	my $sql = get_run('kept', $id, 3);
	my $exposure = 3;

	# each copy that is fetched is another one, so that it is seen which is served
	foreach my $change ($alter, $replace, $public)
	{
		my $name = $change =~ s/access_key_id.*?'\)/.../gr;

		foreach my $frame ([ 'BEGIN', 'ROLLBACK' ], [ 'BEGIN; SAVEPOINT a', 'ROLLBACK TO a; COMMIT' ])
		{
			my ($begin, $end) = @$frame;

			is($session->query($sql), $exposure, 'with the old keys');
			$emulator->clear;
			$emulator->mutate('update_run', application => 'shop4x1', definition => $id, run => 3, exposure => ++$exposure);
			is($session->query("$begin; $change; $sql"), $exposure, "$name: another copy");
			is(keys_used(), 'AKIDOTHER', '... with the new keys');
			$emulator->mutate('update_run', application => 'shop4x1', definition => $id, run => 3, exposure => ++$exposure);
			$emulator->clear;
			isnt($session->query("$end; $sql"), $exposure - 1, "... is not served after $end");
			like(keys_used(), qr/^($access_key)?$/, '... which has the old keys');
			# for the next round, a copy of now
			$session->query("ALTER SERVER kept OPTIONS (SET region 'us-east-1')");
		}
	}
};

subtest 'a statement ends as it began' => sub {
	my $id = new_definition();
	my $rows = 'SELECT exposure_percentage FROM kept.experiment_runs WHERE ' . where($id);

	is($session->query("BEGIN; DECLARE c CURSOR FOR $rows; FETCH 1 FROM c; ALTER SERVER kept OPTIONS (ADD request_timeout '10s'); FETCH 1 FROM c;"
			  . " ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($set_other_keys); FETCH ALL FROM c; CLOSE c; $rows; ROLLBACK"),
		"3\n2\n1\n3\n2\n1", 'an open cursor');
	$emulator->clear;
	is($session->query("$rows"), "3\n2\n1", 'after that');
	is(keys_used(), $access_key, '... with the keys in force');
};

subtest 'another session' => sub {
	my $second = open_session($node);
	my $id = new_definition();
	my $sql = get_run('kept', $id, 3);

	$session->query("$sql; PREPARE p AS $sql; EXECUTE p");
	shows('nothing has happened', "$sql; EXECUTE p", "3\n3", 'none');
	foreach my $alter ("ALTER SERVER kept OPTIONS (ADD max_attempts '2')", "ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS ($set_keys)",
		'ALTER SERVER kept OPTIONS (DROP max_attempts)')
	{
		$second->query($alter);
		shows($alter, $sql, '3', 'GetExperimentRun 1');
		shows('... once', "EXECUTE p; $sql", "3\n3", 'none');
		$second->query("BEGIN; ALTER SERVER kept OPTIONS (SET region 'us-east-1')");
		shows('... not before it is committed', $sql, '3', 'none');
		$second->query('ROLLBACK');
		shows('... nor if it is not', $sql, '3', 'none');
	}
	is($session->query($look), 50, 'here');
	$second->query($there);
	is($session->query($look), 77, 'another endpoint');
	$second->query($here);
	is($session->query("EXECUTE p; $look"), "3\n50", '... and back');
	# the table has been locked before, which is when other sessions' changes are looked for
	is($session->query("BEGIN; $look"), 50, 'in a transaction');
	$second->query($there);
	is($session->query($look), 77, '... another endpoint');
	$session->query('COMMIT');
	$second->query($here);
	$session->query("DEALLOCATE p; PREPARE p AS $look");
	is($session->query("EXECUTE p; BEGIN; EXECUTE p; EXECUTE p"), "50\n50\n50", 'a plan in a transaction');
	$second->query($there);
	is($session->query('EXECUTE p'), 77, '... another endpoint');
	$session->query('COMMIT; DEALLOCATE p');
	$second->query($here);
};

subtest 'a change of another session in the middle of a beginning' => sub {
	my $second = open_session($node);

	# who looks up the keys for the first time has to wait, with the options at hand
	$second->query('BEGIN; LOCK TABLE pg_user_mapping');
	my $first = start_session($node, 'first', "$look;\n$look;\n");
	wait_until('the first session to wait', sub {
		$second->query("SELECT count(*) FROM pg_locks WHERE relation = 'pg_user_mapping'::regclass AND NOT granted") });
	$second->query("$there; COMMIT");
	my ($out, $err) = $first->finish;

	is($err, '', 'no error');
	like($out, qr/\n77$/, 'the next statement goes by the options in force');
	$second->query($here);
};

# ---------------------------------------------------------------------
# Whose it is
# ---------------------------------------------------------------------

subtest 'roles' => sub {
	my $id = new_definition();
	my $sql = get_run('kept', $id, 3);
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);
	my $exposure = 3;

	$session->query("CREATE USER MAPPING FOR PUBLIC SERVER kept OPTIONS ($other_keys)");
	foreach my $role (qw(ann bob cho))
	{
		$session->query("CREATE ROLE $role; GRANT USAGE ON SCHEMA kept TO $role; GRANT SELECT ON ALL TABLES IN SCHEMA kept TO $role");
	}
	$session->query("CREATE USER MAPPING FOR ann SERVER kept OPTIONS ($keys)");

	# each role's copy is another one; ann and the superuser have the same keys, bob and cho the same mapping
	foreach my $role (qw(none ann bob cho))
	{
		$emulator->mutate('update_run', %run3, exposure => ++$exposure);
		shows("$role asks", "SET ROLE $role; $sql", $exposure, 'GetExperimentRun 1');
		is(keys_used(), $role =~ /bob|cho/ ? 'AKIDOTHER' : $access_key, '... with the right keys');
	}
	shows("SET ROLE $_->[0] finds its own", "SET ROLE $_->[0]; $sql", $_->[1], 'none')
	  foreach ([ 'ann', 5 ], [ 'none', 4 ], [ 'cho', 7 ], [ 'bob', 6 ]);
	shows('SET SESSION AUTHORIZATION', "RESET ROLE; SET SESSION AUTHORIZATION ann; $sql; RESET SESSION AUTHORIZATION; $sql", "5\n4", 'none');

	$session->query(qq{
		CREATE FUNCTION definer() RETURNS double precision LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN RETURN ($sql); END \$\$;
		CREATE FUNCTION invoker() RETURNS double precision LANGUAGE plpgsql AS \$\$ BEGIN RETURN ($sql); END \$\$;
		CREATE VIEW owned AS $sql;
		CREATE VIEW invoked WITH (security_invoker) AS $sql;
		ALTER FUNCTION definer() OWNER TO ann;
		ALTER VIEW owned OWNER TO ann;
		ALTER VIEW invoked OWNER TO ann;
		GRANT SELECT ON owned, invoked TO bob;
	});
	my $each = 'SELECT definer(), invoker(), (TABLE owned), (TABLE invoked)';

	shows('SECURITY DEFINER and the owner of a view', $each, '5|4|5|4', 'none');
	shows('... for bob', "SET ROLE bob; $each; RESET ROLE", '5|6|5|6', 'none');
	# one statement, two roles: a document each
	$session->query("ALTER SERVER kept OPTIONS (SET region 'us-east-1')");
	shows('... with nothing kept', "SET ROLE bob; SELECT a.exposure_percentage = b.exposure_percentage FROM owned a, invoked b; RESET ROLE",
		't', 'GetExperimentRun 2');
	is(join(' ', sort split / /, keys_used()), "$access_key AKIDOTHER", '... each with its keys');

	# what ends one role's
	$session->query("$sql; SET ROLE ann; $sql; SET ROLE bob; $sql; SET ROLE cho; $sql; RESET ROLE");
	$session->query("ALTER USER MAPPING FOR ann SERVER kept OPTIONS ($set_keys)");
	shows('ALTER USER MAPPING FOR ann is for her alone', "$sql; SET ROLE bob; $sql; SET ROLE cho; $sql; RESET ROLE", "7\n7\n7", 'none');
	shows('...', "SET ROLE ann; $sql; RESET ROLE", 7, 'GetExperimentRun 1');
	$session->query("ALTER USER MAPPING FOR PUBLIC SERVER kept OPTIONS ($set_other_keys)");
	shows('ALTER USER MAPPING FOR PUBLIC is not for those who have their own', "$sql; SET ROLE ann; $sql; RESET ROLE", "7\n7", 'none');
	shows('...', "SET ROLE bob; $sql; SET ROLE cho; $sql; RESET ROLE", "7\n7", 'GetExperimentRun 2');
	$session->query("CREATE USER MAPPING FOR bob SERVER kept OPTIONS ($keys)");
	shows('a mapping instead of PUBLIC', "SET ROLE bob; $sql; RESET ROLE", 7, 'GetExperimentRun 1');
	is(keys_used(), $access_key, '... with its keys');
	shows('... and the others as before', "SET ROLE cho; $sql; RESET ROLE", 7, 'none');
	$session->query('DROP USER MAPPING FOR bob SERVER kept');
	$session->query("SET ROLE bob; $sql; RESET ROLE; DROP USER MAPPING FOR PUBLIC SERVER kept");
	isnt($session->failure("SET ROLE bob; $sql"), '00000', 'no mapping, no copy');
	is($session->query("RESET ROLE; $sql"), 7, 'but for those who have one');
};

subtest 'two servers' => sub {
	my $id = new_definition();

	shows('one', get_run('kept', $id, 3), 3, 'GetExperimentRun 1');
	shows('its twin', get_run('twin', $id, 3), 3, 'GetExperimentRun 1');
	shows('both again', get_run('kept', $id, 3) . ';' . get_run('twin', $id, 3), "3\n3", 'none');
	$session->query("ALTER SERVER kept OPTIONS (SET region 'us-east-1')");
	shows('ALTER SERVER is for one of them', get_run('twin', $id, 3), 3, 'none');
	shows('... for this one', get_run('kept', $id, 3), 3, 'GetExperimentRun 1');
	is($session->query("SELECT (SELECT exposure_percentage FROM kept.experiment_runs $example), (SELECT exposure_percentage"
			  . " FROM other.experiment_runs $example)"), '50|77', 'two servers in one statement');
};

# ---------------------------------------------------------------------
# What does not end it
# ---------------------------------------------------------------------

subtest 'transactions that are rolled back have read all the same' => sub {
	my $id = new_definition();
	my $sql = list_runs('frozen', $id);
	my $rows = '1 DONE 1, 2 DONE 2, 3 RUNNING 3';

	shows('ROLLBACK', "BEGIN; $sql; ROLLBACK; $sql", "$rows\n$rows", 'GetExperimentRun 4, ListExperimentRuns 2');
	$id = new_definition();
	$sql = list_runs('frozen', $id);
	shows('ROLLBACK TO', "BEGIN; SAVEPOINT a; $sql; ROLLBACK TO a; $sql; COMMIT", "$rows\n$rows", 'GetExperimentRun 4, ListExperimentRuns 2');
};

subtest 'an error in the middle of a scan' => sub {
	my $id = new_definition();
	my $sql = list_runs('frozen', $id);
	my $rows = '1 DONE 1, 2 DONE 2, 3 RUNNING 3';
	my $divided = 'SELECT 1 / (run - %d), exposure_percentage FROM frozen.experiment_runs WHERE ' . where($id);

	is($session->failure(sprintf($divided, 1)), '22012', 'with the last row');
	$emulator->clear;
	is($session->query($sql), $rows, 'the next statement has all rows');
	is($emulator->calls, "GetExperimentRun 1, $list", '... and copies of those that were done');
	$id = new_definition();
	$sql = list_runs('frozen', $id);
	$emulator->faults({ kind => 'status', status => 400, code => 'BadRequestException', path => 'experimentruns/2$' });
	is($session->failure($sql), 'HV000', 'an error of the service');
	$emulator->faults();
	is($session->query($sql), $rows, 'the next statement has all rows');
	shows('... which are kept', $sql, $rows, "GetExperimentRun 1, $list");
};

subtest 'DISCARD ALL and others' => sub {
	my $id = new_definition();
	my $sql = get_run('kept', $id, 3);

	$session->query($sql);
	shows($_, "$_;\n$sql", 3, 'none')
	  foreach ('DISCARD ALL', 'CREATE TEMP TABLE t (); DROP TABLE t', 'ANALYZE pg_class',
		'CREATE FOREIGN TABLE hand (run integer) SERVER kept OPTIONS (object \'experiment_runs\')');
};

# ---------------------------------------------------------------------
# appconfig_fdw_stats()
# ---------------------------------------------------------------------

# The bytes of the answer to a request, with its head, as they come
sub answer_size
{
	my ($url, $target) = @_;
	my ($host) = $url =~ m{//(.*)};
	my $socket = IO::Socket::INET->new($host) or die "$host: $!";
	my $answer = '';

	print $socket "GET $target HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n\r\n";
	while (sysread($socket, my $part, 65536)) { $answer .= $part }
	return length $answer;
}

subtest 'appconfig_fdw_stats() agrees with what was asked' => sub {
	my $stats = "SELECT server, operation, calls, retries, throttles, cache_hits FROM appconfig_fdw_stats() ORDER BY 1, 2";
	my $id = new_definition();

	$session = open_session($node);
	is($session->query($stats), '', 'nothing at first');
	$_->clear foreach ($emulator, $elsewhere);
	$session->query(list_runs('frozen', $id));
	is($session->query($stats), "frozen|GetExperimentRun|3|0|0|0\nfrozen|ListExperimentRuns|1|0|0|0", 'calls');
	$session->query(list_runs('frozen', $id));
	is($session->query($stats), "frozen|GetExperimentRun|4|0|0|2\nfrozen|ListExperimentRuns|2|0|0|0", 'frozen runs are cache hits');
	is($emulator->calls, 'GetExperimentRun 4, ListExperimentRuns 2', '... as the emulator has it');

	# a statement of another server, with everything that costs
	my $other = "SELECT count(t.treatment_key), min(exposure_percentage) FROM other.experiment_runs r JOIN other.treatments t"
	  . " USING (application_id, experiment_definition_id, run) WHERE r.application_id = 'shop4x1' AND r.experiment_definition_id = 'addcrt1'"
	  . ' AND r.run IN (1, 2, 3) AND r.exposure_percentage > 0';
	$elsewhere->faults({ kind => 'throttle', times => 1, path => 'experimentruns/1$' }, { kind => 'error500', times => 1, path => 'experimentruns/2$' });
	is($session->query($other), '9|1', 'answers after a throttle and an error');
	$elsewhere->faults();
	my @log = @{ $elsewhere->control('GET', 'log') };
	my %row = map { my ($server, $operation, @counts) = split /\|/; ($server eq 'other' ? ($operation => \@counts) : ()) } split /\n/, $session->query($stats);
	my $requests = grep { $_->{operation} eq 'GetExperimentRun' } @log;

	is_deeply([ sort keys %row ], [ sort keys %{ $elsewhere->stats->{operations} } ], 'the operations');
	is($row{GetExperimentRun}[0], 3, 'calls');
	is($row{GetExperimentRun}[1], $requests - 3, 'retries');
	is($row{GetExperimentRun}[2], grep({ $_->{status} == 429 } @log), 'throttles');
	is($row{GetExperimentRun}[3], 3, 'the other scan has found three of them');
	like($session->query($stats), qr/^frozen\|GetExperimentRun\|4\|0\|0\|2$/m, 'the other server as before');

	# bytes, of answers that the test can ask for as well
	my $bytes = "SELECT sum(bytes) FROM appconfig_fdw_stats() WHERE server = 'other'";
	$elsewhere->clear;
	my ($before, @rest) = split /\n/, $session->query("$bytes; SELECT count(*), count(exposure_percentage) FROM other.experiment_runs; $bytes");
	my @targets = map { $_->{target} } @{ $elsewhere->control('GET', 'log') };
	my $expected = 0;

	$expected += answer_size($elsewhere->url, $_) foreach @targets;
	cmp_ok(scalar @targets, '>', 100, 'many answers');
	is($rest[-1] - $before, $expected, '... and their bytes');
};

subtest 'appconfig_fdw_stats() survives what it has to' => sub {
	my $stats = "SELECT operation, calls, cache_hits FROM appconfig_fdw_stats() WHERE server = '%s' ORDER BY 1";
	my $id = new_definition();

	$session = open_session($node);
	create_server($node, 'gone', $emulator->url, %fast);
	$session->query('BEGIN; SAVEPOINT a; ' . get_run('gone', $id, 1) . '; ROLLBACK TO a; ROLLBACK');
	is($session->query(sprintf($stats, 'gone')), 'GetExperimentRun|1|0', 'a rollback');
	$session->query('ALTER SERVER gone OPTIONS (SET region \'us-east-1\'); ' . get_run('gone', $id, 1));
	is($session->query(sprintf($stats, 'gone')), 'GetExperimentRun|2|0', 'ALTER SERVER');
	$session->query('ALTER SERVER gone RENAME TO went');
	is($session->query(sprintf($stats, 'went')), 'GetExperimentRun|2|0', 'another name');
	$session->failure('BEGIN; ' . get_run('gone', $id, 2) . '; SELECT 1 / 0');
	$session->query('ROLLBACK');
	is($session->query(sprintf($stats, 'went')), 'GetExperimentRun|3|0', 'an error');
	$session->query('BEGIN; DROP SERVER went CASCADE');
	is($session->query('SELECT count(*) FROM appconfig_fdw_stats()'), 0, 'a server that is gone is left out');
	$session->query('ROLLBACK');
	is($session->query(sprintf($stats, 'went')), 'GetExperimentRun|3|0', '... but not if it is not');
	$session->query('DROP SERVER went CASCADE; DROP SCHEMA gone CASCADE');
	create_server($node, 'gone', $emulator->url, %fast);
	is($session->query('SELECT count(*) FROM appconfig_fdw_stats()'), 0, 'another one of its name begins anew');
	$session->query(get_run('gone', $id, 1));
	is($session->query(sprintf($stats, 'gone')), 'GetExperimentRun|1|0', '... with its own');
	$emulator->mutate('put', kind => 'definition', document => { ApplicationId => 'shop4x1', Id => 'unused0', Name => 'unused0' });
};

subtest 'what has not been asked for is not counted' => sub {
	my $id = new_definition();

	$session->query("ALTER SERVER frozen OPTIONS (ADD max_concurrency '1')");
	$session = open_session($node);
	$emulator->clear;
	$session->query('BEGIN; DECLARE c CURSOR FOR SELECT exposure_percentage FROM frozen.experiment_runs WHERE ' . where($id) . ' AND run IN (1, 2, 3);'
		  . ' FETCH 1 FROM c; CLOSE c; COMMIT');
	is($session->query('SELECT operation, calls FROM appconfig_fdw_stats()') =~ s/\|/ /r, $emulator->calls, 'a cursor that is closed early');
	$session->query('ALTER SERVER frozen OPTIONS (DROP max_concurrency)');
};

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP|leak/, 'no backend crashed or leaked');

done_testing();
