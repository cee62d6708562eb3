# What one transaction sees under REPEATABLE READ and SERIALIZABLE: one state, that of the
# first statement that has read something, whatever happens meanwhile, until it ends.
# The data change between any two statements; the proof of what is read again, and of what
# is not, is the emulator's count of the calls.
#
#	what happens                             what the transaction has read
#	---------------------------------------  -------------------------------------------------
#	a second statement, of any kind          is read again, without a call
#	functions, procedures, cursors           the same; with COMMIT begins another transaction
#	a list that was read in part             the pages that were read, and then the others
#	what did not exist                       does not exist
#	an error                                 is none: asked again
#	ROLLBACK TO, EXCEPTION                   stays, what was read in there, too
#	ALTER SERVER, ALTER USER MAPPING         stays for the same endpoint, Region and identity,
#	                                         and for them alone
#	SET ROLE                                 each role has its own
#	COMMIT, ROLLBACK, PREPARE TRANSACTION    goes
#	more than work_mem                       is in a temporary file
#	READ COMMITTED                           each statement reads anew

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
# the same, but for what the test changes there
my $elsewhere = start_emulator();
my $node = new_node('transactions', 'max_prepared_transactions = 2', shares_nothing());
my %fast = (max_get_rate => 0, max_list_rate => 0, max_attempts => 1);
# nothing is kept from one statement to the next but what transactions keep
create_server($node, 'remote', $emulator->url, %fast, cache_size => 0);
create_server($node, 'kept', $emulator->url, %fast, cache_ttl => '1h');
create_server($node, 'frozen', $emulator->url, %fast);

my $session = open_session($node);
my $definitions = 0;
my $list = 'ListExperimentRuns 1';
my @levels = ('REPEATABLE READ', 'SERIALIZABLE');

# A definition of its own for a subtest, with runs 1 and 2 DONE and 3 RUNNING; its id
sub new_definition
{
	my $id = sprintf('trans%02d', ++$definitions);
	my %where = (application => 'shop4x1', definition => $id);

	foreach my $service ($emulator, $elsewhere)
	{
		$service->mutate('put', kind => 'definition', document => {
			ApplicationId => 'shop4x1', Id => $id, Name => "name of $id", Status => 'IDLE', EnvironmentId => 'prod7e2',
			ConfigurationProfileId => 'flagp51', FlagKey => 'f', Control => { Key => 'c', Weight => 50, FlagValue => {} },
			Treatments => [ { Key => 't1', Weight => 50, FlagValue => {} } ] });
		$service->mutate('start_run', %where, exposure => $_, description => 'v0', overrides => { v0 => 't1' }) foreach (1 .. 3);
		$service->mutate('stop_run', %where, run => $_) foreach (1, 2);
	}
	$elsewhere->mutate('update_run', %where, run => 3, exposure => 77);
	return $id;
}

sub change_run
{
	my ($id, $exposure, %more) = @_;

	return $emulator->mutate('update_run', application => 'shop4x1', definition => $id, run => 3, exposure => $exposure, %more);
}

sub stop_run
{
	my ($id) = @_;

	return $emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 3);
}

# shows(NAME, SQL, OUTPUT, CALLS)
sub shows
{
	my ($name, $sql, $expected, $calls) = @_;

	$emulator->clear;
	is($session->query($sql), $expected, $name);
	is($emulator->calls, $calls, '... with the calls expected');
}

# The access keys that were used since the last clear, each once
sub keys_used
{
	my %used = map { $_->{key} => 1 } @{ $emulator->control('GET', 'log') };

	return join(' ', sort keys %used);
}

my $before = '1 DONE 1, 2 DONE 2, 3 RUNNING 3';
my $after = '1 DONE 1, 2 DONE 2, 3 DONE 33';

# ---------------------------------------------------------------------
# One state
# ---------------------------------------------------------------------

subtest 'a second statement reads what the first has read' => sub {
	foreach my $begin ((map { "BEGIN ISOLATION LEVEL $_" } @levels), 'BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
		'START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE',
		"SET default_transaction_isolation = 'repeatable read'; BEGIN; RESET default_transaction_isolation")
	{
		my $id = new_definition();

		shows($begin, "$begin; " . list_runs('remote', $id), $before, "GetExperimentRun 3, $list");
		change_run($id, 33);
		stop_run($id);
		shows('... again', list_runs('remote', $id), $before, 'none');
		shows('... by keys', get_run('remote', $id, 3), 3, 'none');
		shows('... another table', 'SELECT count(*) FROM remote.treatments WHERE ' . where($id), 6, 'none');
		shows('... what the list says', 'SELECT count(*) FROM remote.experiment_runs WHERE status = \'RUNNING\' AND ' . where($id), 1, 'none');
		shows('... and the next transaction reads anew', 'COMMIT; ' . list_runs('remote', $id), $after, "GetExperimentRun 3, $list");
	}
};

subtest 'READ COMMITTED is as ever' => sub {
	foreach my $begin ('BEGIN', 'BEGIN ISOLATION LEVEL READ COMMITTED', 'BEGIN ISOLATION LEVEL READ UNCOMMITTED')
	{
		my $id = new_definition();

		shows($begin, "$begin; " . list_runs('remote', $id), $before, "GetExperimentRun 3, $list");
		change_run($id, 33);
		stop_run($id);
		shows('... again', list_runs('remote', $id) . '; COMMIT', $after, "GetExperimentRun 3, $list");
		shows('... lists alone', 'BEGIN; SELECT count(*) FROM remote.experiment_runs WHERE status = \'DONE\' AND ' . where($id) . '; COMMIT', 3, $list);
	}
};

# Two statements, of which each tells of run 3 in its own way, with the change between them, and before
# each call of theirs.  What both tell has to be of one state: each prints a number, 0 or 1.
my %tells = (
	'by a list' => 'SELECT substr(description, 2) FROM remote.experiment_runs WHERE %s AND run >= 3',
	'by keys' => 'SELECT exposure_percentage FROM remote.experiment_runs WHERE %s AND run = 3',
	'by a name' => 'SELECT exposure_percentage FROM remote.experiment_runs WHERE application_name = \'storefront\''
	  . ' AND experiment_definition_name = \'name of %2$s\' AND run = 3',
	'a filter by status' => 'SELECT count(*) FROM remote.experiment_runs WHERE status = \'DONE\' AND %s AND run = 3',
	'the status' => 'SELECT (status = \'DONE\')::int FROM remote.experiment_runs WHERE %s AND run = 3',
	'all that are running' => 'SELECT 1 - count(*) FROM remote.experiment_runs WHERE status = \'RUNNING\' AND %s',
	'overrides' => 'SELECT substr(entity_id, 2) FROM remote.treatment_overrides WHERE %s AND run = 3',
	'a join' => 'SELECT min(substr(o.entity_id, 2)::int) FROM remote.experiment_runs r JOIN remote.treatment_overrides o'
	  . ' USING (application_id, experiment_definition_id, run) WHERE application_id = \'shop4x1\''
	  . ' AND experiment_definition_id = \'%2$s\' AND run >= 3 AND exposure_percentage >= 0');

subtest 'two statements tell of one state' => sub {
	foreach my $first (sort keys %tells)
	{
		foreach my $second (sort keys %tells)
		{
			my $id = new_definition();
			my %run = (application => 'shop4x1', definition => $id, run => 3);
			my @sql = map { sprintf($tells{$_}, where($id), $id) } ($first, $second);
			my %document = %{ change_run($id, 0) };
			my %stopped = (%document, ExposurePercentage => 1, Description => 'v1', TreatmentOverrides => { Inline => { v1 => 't1' } },
				Status => 'DONE', UpdatedAt => '2026-11-11T11:11:11Z', EndedAt => '2026-11-11T11:11:11Z');
			my @wrong;

			for (my $after = 0;; $after++)
			{
				$emulator->mutate('put', kind => 'run', document => \%document);
				$emulator->faults({ kind => 'change', after => $after, times => 1,
					mutation => { action => 'put', kind => 'run', document => \%stopped } });
				$emulator->clear;
				my $told = $session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql[0]");
				my $calls = scalar @{ $emulator->control('GET', 'log') };
				# not in the midst of the first one: between them
				$emulator->mutate('put', kind => 'run', document => \%stopped) if $calls <= $after;
				my $then = $session->query("$sql[1]; COMMIT");

				$emulator->faults();
				push @wrong, "$told and $then, changed after call $after of $calls" if $told != $then;
				last if $calls <= $after;
			}
			is("@wrong", '', "$first, then $second");
		}
	}
};

subtest 'what has ended or begun meanwhile' => sub {
	my $id = new_definition();
	my $count = 'SELECT count(*) FILTER (WHERE status = \'RUNNING\'), count(*) FILTER (WHERE status = \'DONE\') FROM remote.experiment_runs WHERE '
	  . where($id);
	my $by_status = "SELECT count(*) FROM remote.experiment_runs WHERE " . where($id) . ' AND status =';

	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $count"), '1|2', 'three runs');
	stop_run($id);
	$emulator->mutate('start_run', application => 'shop4x1', definition => $id, exposure => 4);
	shows('are three runs', "$count; $by_status 'RUNNING'; $by_status 'DONE'", "1|2\n1\n2", 'none');
	is($session->query("COMMIT; $count"), '1|3', 'four of them for the next transaction');
};

subtest 'what did not exist does not' => sub {
	my $id = new_definition();

	shows('a run', 'BEGIN ISOLATION LEVEL REPEATABLE READ; ' . get_run('remote', $id, 4), '', 'GetExperimentRun 1');
	$emulator->mutate('start_run', application => 'shop4x1', definition => $id, exposure => 4);
	shows('... by its keys', get_run('remote', $id, 4), '', 'none');
	shows('... by a list, which shows it', list_runs('remote', $id), $before, "GetExperimentRun 3, $list");
	$emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 4);
	shows('... and by its keys again', get_run('remote', $id, 4), '', 'none');
	is($session->query('COMMIT; ' . get_run('remote', $id, 4)), 4, 'then it does');

	my $gone = "SELECT count(*) FROM remote.experiment_runs WHERE application_id = 'shop4x1' AND experiment_definition_id = 'later00'";
	shows('a definition', "BEGIN ISOLATION LEVEL REPEATABLE READ; $gone", 0, $list);
	$emulator->mutate('put', kind => 'definition', document => { ApplicationId => 'shop4x1', Id => 'later00', Name => 'later' });
	$emulator->mutate('start_run', application => 'shop4x1', definition => 'later00');
	shows('... still', $gone, 0, 'none');
	shows('... then it does', "COMMIT; $gone", 1, $list);
	$emulator->mutate('delete_definition', application => 'shop4x1', definition => 'later00');
};

subtest 'definitions, applications and other tables' => sub {
	my $id = new_definition();
	my $definition = "SELECT status FROM remote.experiment_definitions WHERE " . where($id);
	my $status = "SELECT string_agg(experiment_definition_id, ' ') FROM remote.experiment_definitions"
	  . " WHERE application_id = 'shop4x1' AND experiment_definition_id >= '$id' AND status = ";
	my $name = "SELECT application_name FROM remote.applications WHERE application_id = 'shop4x1'";
	my %document = %{ (grep { $_->{Id} eq $id } @{ $emulator->control('GET', 'dump')->{experiment_definitions} })[0] };

	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $definition; $status 'IDLE'; $name"), "IDLE\n$id\nstorefront", 'as it was');
	$emulator->mutate('put', kind => 'definition', document => { %document, Status => 'ARCHIVED' });
	$emulator->mutate('rename_application', application => 'shop4x1', name => 'renamed');
	shows('is as it was', "$definition; $status 'ARCHIVED'; $status 'IDLE'; $name", "IDLE\n\n$id\nstorefront", 'none');
	is($session->query("COMMIT; $definition; $status 'IDLE'; $status 'ARCHIVED'; $name"), "ARCHIVED\n\n$id\nrenamed", 'then it is not');
	$emulator->mutate('rename_application', application => 'shop4x1', name => 'storefront');
};

subtest 'functions and triggers' => sub {
	my $id = new_definition();

	$session->query(qq{
		CREATE FUNCTION exposure(wanted int) RETURNS double precision LANGUAGE plpgsql AS
			\$\$ BEGIN RETURN (SELECT exposure_percentage FROM remote.experiment_runs WHERE } . where($id) . qq{ AND run = wanted); END \$\$;
		CREATE FUNCTION exposure_sql(wanted int) RETURNS double precision LANGUAGE sql VOLATILE AS
			\$\$ SELECT exposure_percentage FROM remote.experiment_runs WHERE } . where($id) . qq{ AND run = wanted \$\$});
	shows("$_, for each row", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT sum($_(r.run)) FROM remote.experiment_runs r WHERE "
		  . where($id) . ' AND exposure_percentage > 0; COMMIT', 6, "GetExperimentRun 3, $list") foreach qw(exposure exposure_sql);
	shows('in READ COMMITTED each call is a statement of its own', 'SELECT sum(exposure(r.run)) FROM remote.experiment_runs r WHERE '
		  . where($id) . ' AND exposure_percentage > 0', 6, "GetExperimentRun 6, $list");
	$session->query(q{
		CREATE TEMP TABLE ran (run int, exposure double precision);
		CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.exposure := exposure(NEW.run); RETURN NEW; END $$;
		CREATE TRIGGER fill BEFORE INSERT ON ran FOR EACH ROW EXECUTE FUNCTION fill()});
	is($session->query('BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO ran VALUES (3)'), '', 'a trigger');
	change_run($id, 33);
	shows('... fires again', 'INSERT INTO ran VALUES (3); COMMIT; SELECT * FROM ran', "3|3\n3|3", 'none');
};

subtest 'EXPLAIN and prepared statements' => sub {
	my $id = new_definition();
	my $status = 'SELECT run FROM remote.experiment_runs WHERE status = \'RUNNING\' AND ' . where($id);

	unlike($session->query("EXPLAIN $status"), qr/GetExperimentRun/, 'a statement for itself believes the list');
	like($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; EXPLAIN $status; COMMIT"), qr/ListExperimentRuns, GetExperimentRun/,
		'others may read documents');
	$session->query("PREPARE p (int) AS SELECT exposure_percentage FROM remote.experiment_runs WHERE " . where($id) . ' AND run = $1');
	is($session->query('EXECUTE p (3); BEGIN ISOLATION LEVEL REPEATABLE READ; EXECUTE p (3)'), "3\n3", 'a prepared statement');
	change_run($id, 33);
	shows('... is executed again', 'EXECUTE p (3)', 3, 'none');
	like($session->query('EXPLAIN (ANALYZE, COSTS OFF) EXECUTE p (3)'), qr/Calls: 0\n.*Cache Hits: 1\n/s, '... which EXPLAIN tells of');
	is($session->query('COMMIT; EXECUTE p (3); DEALLOCATE p'), 33, '... and later on');
};

subtest 'no scan is in a parallel worker' => sub {
	my $id = new_definition();
	my $force = $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
	my $sql = 'SELECT sum(a.exposure_percentage) FROM remote.experiment_runs a, generate_series(1, 2) g WHERE ' . where($id);

	$session->query("SET $force = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0");
	like($session->query('EXPLAIN SELECT count(*) FROM pg_class'), qr/Gather/, 'there are workers');
	unlike($session->query("EXPLAIN $sql"), qr/Gather/, '... which read no foreign table');
	shows('the rows', "BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; $sql; COMMIT", "12\n12", "GetExperimentRun 3, $list");
	$session->query("RESET $force; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size");
};

# ---------------------------------------------------------------------
# Lists that are read in part
# ---------------------------------------------------------------------

my $long = "application_id = 'app120x' AND experiment_definition_id = 'def120x'";
my $long_runs = "FROM remote.experiment_runs WHERE $long";

subtest 'a later statement goes on with a list' => sub {
	# done runs of which nobody has asked for a document: the list is enough
	shows('the first page', "BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT run $long_runs; FETCH 1 FROM c; CLOSE c", 120, $list);
	shows('all of it', "SELECT count(*), count(DISTINCT run) $long_runs", '120|120', 'ListExperimentRuns 2');
	shows('... again', "SELECT count(*), count(DISTINCT run) $long_runs; COMMIT", '120|120', 'none');

	my $id = new_definition();
	$emulator->faults();
	shows('a cursor in the midst of it',
		"BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT run $long_runs; FETCH 1 FROM c; SELECT count(*) $long_runs;"
		  . ' MOVE FORWARD ALL IN c; COMMIT', "120\n120", 'ListExperimentRuns 3');
};

subtest 'lists and documents that cache_ttl serves stay' => sub {
	my $id = new_definition();
	my $runs = "FROM kept.experiment_runs WHERE $long";

	$session->query("SELECT count(*) $runs; " . list_runs('kept', $id));
	shows('the first page', "BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR SELECT run $runs; FETCH 1 FROM c; CLOSE c; "
		  . list_runs('kept', $id), "120\n$before", 'none');
	change_run($id, 33);
	# the session has forgotten them
	$session->query("ALTER SERVER kept OPTIONS (SET cache_ttl '0')");
	shows('the same', list_runs('kept', $id), $before, 'none');
	shows('... and the pages that belong to it', "SELECT count(*), count(DISTINCT run) $runs", '120|120', 'none');
	shows('then they are asked for', 'ROLLBACK; ALTER SERVER kept OPTIONS (SET cache_ttl \'0\'); ' . list_runs('kept', $id),
		'1 DONE 1, 2 DONE 2, 3 RUNNING 33', "GetExperimentRun 3, $list");
	$session->query("ALTER SERVER kept OPTIONS (SET cache_ttl '1h')");
};

subtest 'what the session keeps of done runs' => sub {
	my $id = new_definition();

	$session->query(list_runs('frozen', $id));
	shows('serves a transaction, too', 'BEGIN ISOLATION LEVEL REPEATABLE READ; ' . list_runs('frozen', $id), $before, "GetExperimentRun 1, $list");
	shows('... once', list_runs('frozen', $id), $before, 'none');
	change_run($id, 33);
	stop_run($id);
	shows('... and gets what it has fetched', 'COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; ' . list_runs('frozen', $id) . '; COMMIT', $after,
		"GetExperimentRun 1, $list");
	shows('...', list_runs('frozen', $id), $after, $list);
};

# ---------------------------------------------------------------------
# Errors and subtransactions
# ---------------------------------------------------------------------

subtest 'an error is not kept' => sub {
	my $id = new_definition();

	foreach my $fault ({ kind => 'status', status => 400, code => 'BadRequestException' }, { kind => 'malformed' }, { kind => 'reset' },
		{ kind => 'status', status => 403, code => 'AccessDeniedException' })
	{
		$emulator->faults({ %$fault, operation => 'GetExperimentRun', path => 'experimentruns/2$' });
		$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT a');
		isnt($session->failure(list_runs('remote', $id)), '00000', $fault->{code} // $fault->{kind});
		$emulator->faults();
		change_run($id, 3);
		$emulator->clear;
		is($session->query('ROLLBACK TO a; ' . list_runs('remote', $id)), $before, '... then it is asked for again');
		unlike($emulator->calls, qr/List/, '... but not what had been read');
		shows('... and then kept', list_runs('remote', $id) . '; COMMIT', $before, 'none');
	}
};

subtest 'savepoints' => sub {
	my $id = new_definition();
	my $sql = list_runs('remote', $id);

	shows('before it', "BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; SAVEPOINT a", $before, "GetExperimentRun 3, $list");
	change_run($id, 33);
	shows('in it', $sql, $before, 'none');
	shows('after it', "ROLLBACK TO a; $sql; RELEASE a; $sql; COMMIT", "$before\n$before", 'none');

	shows('nothing before it', "BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT a; $sql; ROLLBACK TO a", $before =~ s/3$/33/r,
		"GetExperimentRun 3, $list");
	change_run($id, 34);
	shows('what has been read in it has been read', $sql, $before =~ s/3$/33/r, 'none');
	is($session->query("ROLLBACK; $sql"), $before =~ s/3$/34/r, 'until the transaction is rolled back');

	$session->query(qq{
		CREATE FUNCTION caught(OUT first text, OUT state text, OUT second text) LANGUAGE plpgsql AS \$\$
		BEGIN
			BEGIN
				first := ($sql);
				PERFORM 1 / 0;
			EXCEPTION WHEN division_by_zero THEN
				state := SQLSTATE;
			END;
			second := ($sql);
		END \$\$});
	my $now = $before =~ s/3$/34/r;
	shows('an EXCEPTION block', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM caught(); SELECT * FROM caught(); COMMIT',
		"$now|22012|$now\n$now|22012|$now", "GetExperimentRun 3, $list");
};

# Calls in flight when the statement is ended by a timeout; nothing of them may be left
subtest 'an error while calls are in flight' => sub {
	my $id = new_definition();
	my $sql = list_runs('remote', $id);

	foreach my $what ('experimentruns/3$', 'experimentruns[^/]*$')
	{
		$emulator->faults({ kind => 'hang', path => $what });
		$session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT a; SET LOCAL statement_timeout = 200');
		is($session->failure($sql), '57014', "$what hangs");
		$emulator->faults();
		is($session->query("ROLLBACK TO a; $sql"), $before, '... and is asked for again');
		shows('... once', "$sql; COMMIT", $before, 'none');
	}
};

subtest 'the transaction fails' => sub {
	my $id = new_definition();
	my $sql = list_runs('remote', $id);

	foreach my $end ('ROLLBACK', 'COMMIT')
	{
		is($session->failure("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; DECLARE c CURSOR FOR SELECT exposure_percentage $long_runs;"
				  . ' FETCH 1 FROM c; SELECT 1 / 0'), '22012', 'an error');
		is($session->failure($sql), '25P02', '... after which nothing can be read');
		$emulator->clear;
		is($session->query("$end; $sql"), $before, "... before $end");
		# what the cursor had asked for can come later
		my @calls = map { $_->{operation} } grep { $_->{target} =~ /$id/ } @{ $emulator->control('GET', 'log') };
		is("@{[sort @calls]}", 'GetExperimentRun GetExperimentRun GetExperimentRun ListExperimentRuns', '... by its own calls');
	}
};

# ---------------------------------------------------------------------
# Cursors
# ---------------------------------------------------------------------

# What was asked for more than once
sub asked_again
{
	my %times;

	$times{ $_->{target} }++ foreach @{ $emulator->control('GET', 'log') };
	return join(' ', grep { $times{$_} > 1 } sort keys %times);
}

my $many = "SELECT run, exposure_percentage $long_runs";

subtest 'cursors and other statements read the same' => sub {
	my $rows = $session->query($many);

	$emulator->clear;
	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR $many; FETCH 1 FROM c; $many; FETCH ALL FROM c; COMMIT"),
		(split /\n/, $rows)[0] . "\n$rows\n" . $rows =~ s/^.*?\n//r, 'a cursor with calls in flight');
	is(asked_again(), '', '... and nothing is asked for twice');
	$emulator->clear;
	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE c CURSOR FOR $many; DECLARE d CURSOR FOR $many;"
			  . 'FETCH 3 FROM c; FETCH 5 FROM d; FETCH 7 FROM c; MOVE 60 IN d; MOVE 80 IN c; FETCH 1 FROM d; FETCH 1 FROM c; MOVE ALL IN d;'
			  . 'MOVE ALL IN c; COMMIT') =~ tr/\n//, 16, 'two cursors by turns');
	is(asked_again(), '', '... and nothing is asked for twice');
	is($emulator->calls, 'GetExperimentRun 120, ListExperimentRuns 3', '... of what there is');
};

# A cursor that has asked for run 2 of a definition, whose first answer never comes, and has shown run 3
sub open_waiting_cursor
{
	my ($id, $name) = @_;

	return "DECLARE $name CURSOR FOR SELECT run, exposure_percentage FROM remote.experiment_runs WHERE " . where($id)
	  . " AND run IN (1, 2, 3); FETCH 1 FROM $name; ";
}

subtest 'a cursor ends while another statement waits for its call' => sub {
	foreach my $end ('CLOSE c', 'ROLLBACK TO a')
	{
		my $id = new_definition();

		$emulator->faults({ kind => 'hang', path => 'experimentruns/2$', times => 1 });
		$emulator->clear;
		is($session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; ' . ($end =~ /ROLLBACK/ ? '' : 'SAVEPOINT a; ')
				  # the second one, of an outer subtransaction, has asked for the same
				  . 'DECLARE d CURSOR FOR SELECT run, exposure_percentage FROM remote.experiment_runs WHERE ' . where($id) . ' AND run IN (1, 2, 3);'
				  . ($end =~ /ROLLBACK/ ? 'SAVEPOINT a; ' : '') . open_waiting_cursor($id, 'c') . 'FETCH 1 FROM d'),
			"1|1\n1|1", "two cursors, $end");
		wait_until('both to have asked', sub { grep { $_->{target} =~ m{/2$} } @{ $emulator->control('GET', 'log') } });
		is(asked_again(), '', '... with one call for both');
		is($session->query("$end; FETCH ALL FROM d"), "2|2\n3|3", '... the other one asks for itself');
		is(scalar(grep { $_->{target} =~ m{/2$} } @{ $emulator->control('GET', 'log') }), 2, '... once');
		$emulator->faults();
		shows('... which is kept', get_run('remote', $id, 2) . '; COMMIT', 2, 'none');
	}
};

subtest 'the call of a cursor fails while another statement waits for it' => sub {
	my $id = new_definition();

	$session->query("ALTER SERVER remote OPTIONS (ADD request_timeout '1s')");
	$emulator->faults({ kind => 'hang', path => 'experimentruns/2$', times => 1 });
	is($session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; DECLARE d CURSOR FOR SELECT run, exposure_percentage FROM remote.experiment_runs WHERE '
			  . where($id) . ' AND run IN (1, 2, 3); SAVEPOINT a; ' . open_waiting_cursor($id, 'c') . 'FETCH ALL FROM d'), "1|1\n1|1\n2|2\n3|3",
		'the other one has all rows');
	$emulator->faults();
	is($session->failure('FETCH ALL FROM c'), 'HV00M', 'the cursor has the error');
	shows('... which is not kept', 'ROLLBACK TO a; ' . get_run('remote', $id, 2) . '; COMMIT', 2, 'none');
	$session->query('ALTER SERVER remote OPTIONS (DROP request_timeout)');
};

subtest 'a cursor waits for a call of a session that is no longer in use' => sub {
	my $id = new_definition();

	$emulator->faults({ kind => 'hang', path => 'experimentruns/2$', times => 1 });
	is($session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; ' . open_waiting_cursor($id, 'c') . "ALTER SERVER remote OPTIONS (SET max_attempts '2')"),
		'1|1', 'its first row');
	shows('another statement asks for itself', get_run('remote', $id, 2), 2, 'GetExperimentRun 1');
	shows('... once', get_run('remote', $id, 2) . '; ROLLBACK', 2, 'none');
	$emulator->faults();
};

subtest 'a cursor that outlives savepoints' => sub {
	my $id = new_definition();
	my $cursor = 'DECLARE c CURSOR FOR SELECT run, exposure_percentage FROM remote.experiment_runs WHERE ' . where($id);

	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $cursor; SAVEPOINT a; FETCH 1 FROM c"), '3|3', 'fetched from in a savepoint');
	change_run($id, 33);
	is($session->query('ROLLBACK TO a; FETCH 1 FROM c; ' . get_run('remote', $id, 3) . '; FETCH ALL FROM c; COMMIT'), "2|2\n3\n1|1",
		'... and after it');
	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; SAVEPOINT a; $cursor; FETCH 1 FROM c; RELEASE a"), '3|33',
		'opened in a savepoint that is released');
	change_run($id, 34);
	is($session->query('FETCH ALL FROM c; ' . get_run('remote', $id, 3) . '; COMMIT'), "2|2\n1|1\n33", '... and after it');
};

subtest 'WITH HOLD' => sub {
	my $id = new_definition();
	my $cursor = 'DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT run, exposure_percentage FROM remote.experiment_runs WHERE ' . where($id);

	is($session->query('BEGIN ISOLATION LEVEL REPEATABLE READ; ' . get_run('remote', $id, 3) . "; $cursor"), 3, 'nothing has been fetched');
	change_run($id, 33);
	shows('it is read at the end of its transaction, which has read some of it', 'COMMIT', '', "GetExperimentRun 2, $list");
	shows('... as it was', 'BEGIN ISOLATION LEVEL REPEATABLE READ; FETCH ALL FROM c; FETCH ABSOLUTE 1 FROM c', "3|3\n2|2\n1|1\n3|3", 'none');
	shows('another transaction is another one', get_run('remote', $id, 3) . '; COMMIT; CLOSE c', 33, 'GetExperimentRun 1');
};

# ---------------------------------------------------------------------
# Ends
# ---------------------------------------------------------------------

subtest 'procedures that commit' => sub {
	my $id = new_definition();
	my $sql = get_run('remote', $id, 3);

	$session->query(qq{
		CREATE TABLE seen (n int GENERATED ALWAYS AS IDENTITY, exposure double precision);
		CREATE PROCEDURE look(ending text) LANGUAGE plpgsql AS \$\$
		DECLARE
			e double precision;
		BEGIN
			FOR i IN 1 .. 2 LOOP
				FOR j IN 1 .. 2 LOOP
					e := ($sql);
					INSERT INTO seen (exposure) VALUES (e);
				END LOOP;
				IF ending = 'COMMIT' THEN COMMIT; ELSIF ending = 'CHAIN' THEN COMMIT AND CHAIN; ELSE ROLLBACK; END IF;
			END LOOP;
		END \$\$;
		CREATE PROCEDURE loop_and_commit() LANGUAGE plpgsql AS \$\$
		DECLARE
			r record;
		BEGIN
			FOR r IN SELECT run, exposure_percentage FROM remote.experiment_runs WHERE } . where($id) . qq{ LOOP
				INSERT INTO seen (exposure) VALUES (r.exposure_percentage);
				COMMIT;
				INSERT INTO seen (exposure) SELECT exposure_percentage FROM remote.experiment_runs WHERE } . where($id) . qq{ AND run = r.run;
			END LOOP;
		END \$\$});
	foreach my $ending ('COMMIT', 'CHAIN', 'ROLLBACK')
	{
		# the second transaction sees what has changed after the first call
		$session->query('TRUNCATE seen');
		change_run($id, 0);
		$emulator->faults({ kind => 'change', times => 1, mutation => { action => 'update_run', application => 'shop4x1', definition => $id, run => 3,
			exposure => 1 } });
		shows($ending, "SET default_transaction_isolation = 'repeatable read'; CALL look('$ending'); RESET default_transaction_isolation", '',
			'GetExperimentRun 2');
		$emulator->faults();
		is($session->query('SELECT string_agg(exposure::text, \' \' ORDER BY n) FROM seen'), $ending eq 'ROLLBACK' ? '' : '0 0 1 1',
			'... each transaction has its own state');
	}
	$session->query('TRUNCATE seen');
	shows('a loop over a query, with COMMIT', "SET default_transaction_isolation = 'repeatable read'; CALL loop_and_commit();"
		  . ' RESET default_transaction_isolation', '', "GetExperimentRun 6, $list");
	is($session->query('SELECT string_agg(exposure::text, \' \' ORDER BY n) FROM seen'), '1 1 2 2 1 1', '... has its rows');
};

subtest 'PREPARE TRANSACTION' => sub {
	my $id = new_definition();
	my $sql = list_runs('remote', $id);

	is($session->query("CREATE TABLE prepared (a text); BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO prepared $sql; "
			  . "SET LOCAL work_mem = '64kB'; SELECT count(exposure_percentage) $long_runs; PREPARE TRANSACTION 'p'"), 120, 'a transaction that has read');
	shows('what it has read is gone', "BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; COMMIT; COMMIT PREPARED 'p'; TABLE prepared",
		"$before\n$before", "GetExperimentRun 3, $list");
};

subtest 'statements that are a transaction each' => sub {
	my $id = new_definition();
	my $sql = list_runs('remote', $id);

	$session->query("SET default_transaction_isolation = 'repeatable read'");
	shows('read anew', "$sql;\n$sql;", "$before\n$before", 'GetExperimentRun 6, ListExperimentRuns 2');
	$session->query('RESET default_transaction_isolation');
	# several in one message are one transaction
	my $psql = "SET default_transaction_isolation = 'repeatable read'";
	$emulator->clear;
	is($node->safe_psql('postgres', '', extra_params => [ '-c', $psql, '-c', "$sql; $sql" ]), "$before\n$before", 'but not in one message');
	is($emulator->calls, "GetExperimentRun 3, $list", '... which is one transaction');
};

# ---------------------------------------------------------------------
# Whose it is
# ---------------------------------------------------------------------

my $keys = "access_key_id '$access_key', secret_access_key '$secret_key'";
my $set_keys = $keys =~ s/\b(?=access_key_id|secret_access_key)/SET /gr;
my $set_other_keys = "SET access_key_id 'AKIDOTHER', SET secret_access_key 'other-secret'";
my $alter_server = 'ALTER SERVER remote OPTIONS';
my $alter_mapping = 'ALTER USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS';

subtest 'options that say nothing of whose it is' => sub {
	my $id = new_definition();
	my $sql = list_runs('remote', $id);
	my $other = open_session($node);

	$session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql");
	change_run($id, 33);
	shows('of its own', "$alter_server (SET max_attempts '2'); $sql; $alter_server (SET region 'us-east-1'); $sql; SAVEPOINT a;"
		  . " $alter_server (SET max_attempts '4'); $sql; ROLLBACK TO a; $sql; $alter_mapping ($set_keys); $sql; ROLLBACK",
		join("\n", ($before) x 5), 'none');
	change_run($id, 3);
	$session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql");
	change_run($id, 33);
	$other->query("$alter_server (SET max_attempts '2')");
	shows("another session's", $sql, $before, 'none');
	$other->query("$alter_mapping ($set_keys)");
	shows('...', $sql, $before, 'none');
	$other->query("$alter_server (SET max_attempts '1')");
	is($session->query("COMMIT; $sql"), '1 DONE 1, 2 DONE 2, 3 RUNNING 33', 'until it ends');
};

subtest 'another place' => sub {
	my $id = new_definition();
	my $sql = get_run('remote', $id, 3);
	my ($here, $there) = map { "$alter_server (SET endpoint '" . $_->url . "')" } ($emulator, $elsewhere);

	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; SAVEPOINT a; $there; $sql; $here; $sql; $there"), "3\n77\n3", 'there and back');
	change_run($id, 33);
	$elsewhere->mutate('update_run', application => 'shop4x1', definition => $id, run => 3, exposure => 78);
	shows('... each as it was', "$sql; $here; $sql; $there; $sql; ROLLBACK TO a; $sql", "77\n3\n77\n3", 'none');
	is($session->query("ROLLBACK; $sql"), 33, '... until the end');
	is($session->failure("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; $alter_server (SET region 'eu-west-1'); $sql"), '28000',
		'another Region is another place, whose service knows no such signature') or $session->query('ROLLBACK');
	is($session->query("ROLLBACK; $sql"), 33, '...');
};

subtest 'other keys' => sub {
	my $id = new_definition();
	my $sql = get_run('remote', $id, 3);
	my $other = open_session($node);

	foreach my $who ($session, $other)
	{
		my $whose = $who == $session ? 'its own' : "another session's";
		my $now = change_run($id, ++$definitions)->{ExposurePercentage};
		my $cursor = 'DECLARE c CURSOR FOR SELECT run, exposure_percentage FROM remote.experiment_runs WHERE ' . where($id);

		is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; $cursor; FETCH 1 FROM c"), "$now\n3|$now", "the old ones, $whose");
		change_run($id, 2000 + $definitions);
		$who->query("$alter_mapping ($set_other_keys)");
		$emulator->clear;
		is($session->query($sql), 2000 + $definitions, '... are not served to the new ones');
		is(keys_used(), 'AKIDOTHER', '... which have asked');
		shows('... a second time', $sql, 2000 + $definitions, 'none');
		is($session->query('FETCH ALL FROM c'), "2|2\n1|1", '... an open cursor goes on as it began');
		$who->query("$alter_mapping ($set_keys)");
		shows('... and are served again', $sql, $now, 'none');
		$session->query('COMMIT');
	}
	$session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql; DROP USER MAPPING FOR CURRENT_USER SERVER remote");
	is($session->failure($sql), '28000', 'without keys no copy is served');
	$session->query('ROLLBACK');
};

subtest 'roles' => sub {
	my $id = new_definition();
	my $sql = get_run('remote', $id, 3);
	my $other_keys = $set_other_keys =~ s/SET //gr;

	$session->query("CREATE ROLE ann; GRANT USAGE ON SCHEMA remote TO ann; GRANT SELECT ON ALL TABLES IN SCHEMA remote TO ann;"
		  . " CREATE USER MAPPING FOR ann SERVER remote OPTIONS ($other_keys); CREATE VIEW anns AS $sql; ALTER VIEW anns OWNER TO ann");
	shows('one', "BEGIN ISOLATION LEVEL REPEATABLE READ; $sql", 3, 'GetExperimentRun 1');
	change_run($id, 33);
	shows('another', "SET ROLE ann; $sql", 33, 'GetExperimentRun 1');
	is(keys_used(), 'AKIDOTHER', '... with keys of her own');
	change_run($id, 34);
	shows('both', "$sql; RESET ROLE; $sql", "33\n3", 'none');
	shows('a view is its owner\'s', 'TABLE anns; COMMIT', 33, 'none');
};

# Credentials of a file, which is read again when it has changed
subtest 'another identity' => sub {
	my $id = new_definition();
	my $sql = get_run('ambient', $id, 3);
	my $file = PostgreSQL::Test::Utils::tempdir() . '/credentials';
	my $write = sub {
		my ($key, $secret) = @_;
		append_to_file("$file.new", "[default]\naws_access_key_id = $key\naws_secret_access_key = $secret\n");
		rename("$file.new", $file) or die "$file: $!";
	};
	my $of_profile;
	{
		local $ENV{AWS_SHARED_CREDENTIALS_FILE} = $file;
		local $ENV{AWS_CONFIG_FILE} = "$file.none";
		delete local @ENV{qw(AWS_ACCESS_KEY_ID AWS_PROFILE)};
		$of_profile = new_node('ambient', shares_nothing());
	}
	create_server($of_profile, 'ambient', $emulator->url, %fast, cache_size => 0, ambient_credentials => 'profile');
	$of_profile->safe_psql('postgres', 'DROP USER MAPPING FOR CURRENT_USER SERVER ambient');
	my $second = open_session($of_profile);

	$write->($access_key, $secret_key);
	is($second->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql"), 3, 'one');
	change_run($id, 33);
	$write->($access_key, $secret_key);
	$emulator->clear;
	is($second->query($sql), 3, 'the same in another file');
	$of_profile->safe_psql('postgres', "ALTER SERVER ambient OPTIONS (SET max_attempts '2')");
	is($second->query($sql), 3, '... and by another session');
	is($emulator->calls, 'none', '... without a call');
	$write->('AKIDOTHER', 'other-secret');
	is($second->query($sql), 33, 'another one');
	is(keys_used(), 'AKIDOTHER', '... which has asked');
	change_run($id, 34);
	is($second->query($sql), 33, '... once');
	$write->($access_key, $secret_key);
	is($second->query($sql), 3, 'the first one again');
	is($second->query("COMMIT; $sql"), 34, '... until the transaction ends');

	# the first statement finds that somebody else signs
	$write->('AKIDOTHER', 'other-secret');
	is($second->query("BEGIN ISOLATION LEVEL REPEATABLE READ; $sql"), 34, 'another one since the last transaction');
	change_run($id, 35);
	$emulator->clear;
	is($second->query($sql), 34, '... has one state from its first statement on');
	is($emulator->calls, 'none', '... without a call');
	is($second->query("COMMIT; $sql"), 35, '... and another one after it');
	unlike(slurp_file($of_profile->logfile), qr/was terminated by signal|PANIC|TRAP|leak/, 'no backend crashed or leaked');
};

# ---------------------------------------------------------------------
# Beyond work_mem
# ---------------------------------------------------------------------

my $sum = "SELECT count(*), md5(string_agg(r::text, ' ' ORDER BY run)) $long_runs" =~ s/experiment_runs/experiment_runs r/r;
my $documents = 'GetApplication 1, GetExperimentRun 120, ListExperimentRuns 3';
my $files = 'SELECT count(*), coalesce(sum(size), 0) > 64 * 1024 FROM pg_ls_tmpdir()';
my $begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL work_mem = '64kB'";

subtest 'what is beyond work_mem is in a temporary file' => sub {
	my $expected = $session->query($sum);

	shows('the first statement', "$begin; $sum", $expected, $documents);
	is($session->query($files), '1|t', '... has a file');
	shows('the second', $sum, $expected, 'none');
	is($session->query($files), '1|t', '... has the same');
	shows('by keys', 'SELECT sum(exposure_percentage) > 0 FROM remote.experiment_runs WHERE ' . "$long AND run IN (1, 60, 120)", 't', 'none');
	shows('nothing is left', "COMMIT; $files", '0|f', 'none');
	shows('with much memory', "BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL work_mem = '64MB'; $sum; $sum; $files; COMMIT",
		"$expected\n$expected\n0|f", $documents);
};

subtest 'the file is the transaction\'s' => sub {
	my $expected = $session->query($sum);

	foreach my $end ('COMMIT', 'ROLLBACK')
	{
		is($session->query("$begin; SAVEPOINT a; $sum; ROLLBACK TO a; $files"), "$expected\n1|t", 'it was made in a savepoint that is rolled back');
		shows('... and is read', "$sum; $end; $files", "$expected\n0|f", 'none');
		is($session->query("$begin; SAVEPOINT a; SAVEPOINT b; $sum; RELEASE b; ROLLBACK TO a; RELEASE a; SAVEPOINT a"), $expected, 'two savepoints');
		shows('...', "$sum; ROLLBACK TO a; $sum; $end; $files", "$expected\n$expected\n0|f", 'none');
	}
	is($session->query("$begin; DECLARE c CURSOR FOR $many; MOVE 100 IN c; CLOSE c; $files; COMMIT; $files"), "1|t\n0|f", 'a cursor that is closed');
	is($session->failure("$begin; $sum; SELECT 1 / 0"), '22012', 'an error');
	is($session->query("ROLLBACK; $files"), '0|f', '... leaves none behind');
	is($session->query("$begin; DECLARE c CURSOR WITH HOLD FOR $sum; COMMIT; $files; FETCH ALL FROM c; CLOSE c"), "0|f\n$expected", 'WITH HOLD');
	is($session->query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM caught(); SET LOCAL work_mem = '64kB'; $sum; COMMIT; $files"),
		"1\n$expected\n0|f", 'an EXCEPTION block before');
};

subtest 'no more than temp_file_limit' => sub {
	# no sort, which would have a file of its own
	my $count = "SELECT count(exposure_percentage) $long_runs";

	$session->query("$begin; SET LOCAL temp_file_limit = '16kB'; SAVEPOINT a");
	is($session->failure($count), '53400', 'more is an error');
	# what had been written may not all be there
	is($session->failure("ROLLBACK TO a; $count"), '58030', '... and the transaction cannot read it again');
	is($session->query("ROLLBACK TO a; SELECT 1; COMMIT; $files"), "1\n0|f", '... but can be committed');
	is($session->query("$begin; $count; COMMIT"), 120, 'the next one works');
};

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP|leak/, 'no backend crashed or leaked');

done_testing();
