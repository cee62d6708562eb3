# What one statement sees: every document once, whatever the plan; one state of each
# run, whatever happens meanwhile; and beyond work_mem in a temporary file that ends
# with the statement.  The proof is the emulator's count of the calls.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $node = new_node('memo', shares_nothing());
# nothing is kept from one statement to the next, so that every call is seen
create_server($node, 'remote', $emulator->url, max_get_rate => 0, max_list_rate => 0, cache_size => 0);

# three runs, of which the last one is running, and 120 runs, of three pages
my %where = (
	cart => "application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1'",
	long => "application_id = 'app120x' AND experiment_definition_id = 'def120x'",
	nothing => "application_id = 'app120x' AND experiment_definition_id = 'norun00'");
my %tables = (runs => 'experiment_runs', treatments => 'treatments', attributes => 'attribute_values',
	overrides => 'treatment_overrides');

foreach my $of (keys %where)
{
	$node->safe_psql('postgres', "CREATE VIEW ${of}_$_ AS SELECT * FROM remote.$tables{$_} WHERE $where{$of}")
	  foreach keys %tables;
}
my $session = open_session($node);

# What a statement prints, and the calls that it makes
sub calls_of
{
	my ($sql) = @_;

	$emulator->clear;
	my $out = $session->query($sql);
	return ($out, $emulator->calls);
}

# shows(NAME, SQL, OUTPUT, CALLS)
sub shows
{
	my ($name, $sql, $expected, $calls) = @_;
	my ($out, $made) = calls_of($sql);

	is($out, $expected, $name);
	is($made, $calls, '... with the calls expected');
}

# The only join method that a plan may use, or all of them
sub join_by
{
	my ($method) = @_;

	return join(' ', map {
		"SET enable_$_ = " . (!defined $method || $method eq $_ ? 'on' : 'off') . ';'
	} qw(nestloop hashjoin mergejoin));
}

# ---------------------------------------------------------------------
# Once
# ---------------------------------------------------------------------

my $three = 'GetExperimentRun 3, ListExperimentRuns 1';

subtest 'every way to read a table twice fetches each document once' => sub {
	foreach my $method (undef, 'nestloop', 'hashjoin', 'mergejoin')
	{
		my $by = $method // 'any join';

		$session->query(join_by($method));
		shows("self-join, $by",
			'SELECT count(*), sum(a.exposure_percentage + b.exposure_percentage) FROM cart_runs a JOIN cart_runs b USING (run)',
			'3|202', $three);
		shows("four tables of one run, $by",
			'SELECT count(*), count(DISTINCT r.run) FROM cart_runs r JOIN cart_treatments t USING (run)'
			  . ' JOIN cart_attributes a USING (run, treatment_key) JOIN cart_overrides o USING (run, treatment_key)'
			  . ' WHERE r.exposure_percentage > 0',
			'24|2', $three);
	}
	$session->query(join_by());
	shows('sub-select', 'SELECT run FROM cart_runs WHERE exposure_percentage = (SELECT min(exposure_percentage) FROM cart_runs)',
		'1', $three);
	shows('correlated sub-select',
		'SELECT string_agg((SELECT count(*) FROM cart_overrides o WHERE o.run = r.run)::text, \' \' ORDER BY run) FROM cart_runs r'
		  . ' WHERE exposure_percentage > 0', '3 0 2', $three);
	shows('EXISTS', 'SELECT count(*) FROM cart_runs r WHERE exposure_percentage > 0 AND EXISTS'
		  . ' (SELECT FROM cart_overrides o WHERE o.run = r.run)', '2', $three);
	shows('NOT IN', 'SELECT count(*) FROM cart_runs r WHERE exposure_percentage > 0 AND run NOT IN (SELECT run FROM cart_overrides)',
		'1', $three);
	shows('UNION ALL', 'SELECT count(*), sum(e) FROM (SELECT exposure_percentage e FROM cart_runs UNION ALL'
		  . ' SELECT exposure_percentage FROM cart_runs) u', '6|202', $three);
	shows('EXCEPT', 'SELECT count(*) FROM (SELECT run, exposure_percentage FROM cart_runs EXCEPT'
		  . ' SELECT run, exposure_percentage FROM cart_runs) u', '0', $three);
	shows("CTE used twice, $_", "WITH c AS $_ (SELECT run, exposure_percentage FROM cart_runs)"
		  . ' SELECT count(*), sum(a.exposure_percentage) FROM c a JOIN c b USING (run)', '3|101', $three)
	  foreach ('MATERIALIZED', 'NOT MATERIALIZED');
	shows('recursive CTE', 'WITH RECURSIVE c AS (SELECT max(run) AS run FROM cart_treatments UNION ALL'
		  . ' SELECT r.run - 1 FROM c JOIN cart_runs r ON r.run = c.run AND r.exposure_percentage > 0 AND c.run > 1)'
		  . " SELECT string_agg(run::text, ' ') FROM c", '3 2 1', $three);
	shows('LATERAL', 'SELECT count(*), sum(n) FROM cart_runs r, LATERAL (SELECT count(*) n FROM cart_treatments t WHERE t.run = r.run'
		  . ' OFFSET 0) t WHERE r.exposure_percentage > 0', '3|9', $three);
	shows('INSERT ... SELECT and its subquery', 'CREATE TEMP TABLE copy AS SELECT r.run, exposure_percentage FROM cart_runs r'
		  . ' WHERE run IN (SELECT run FROM cart_treatments)', '', $three);
	shows('UPDATE FROM', 'UPDATE copy SET exposure_percentage = t.ordinal FROM cart_treatments t, cart_runs r WHERE t.run = copy.run'
		  . ' AND r.run = copy.run AND r.exposure_percentage > 0', '',
		# an UPDATE takes the whole row of what it joins with
		"GetApplication 1, $three");
	shows('MERGE', 'MERGE INTO copy USING (SELECT r.run, count(*) n FROM cart_runs r JOIN cart_treatments t USING (run)'
		  . ' WHERE r.exposure_percentage > 0 GROUP BY 1) s ON s.run = copy.run WHEN MATCHED THEN UPDATE SET exposure_percentage = n',
		'', $three);
	shows('foreign tables made by hand, other columns', q{
		CREATE FOREIGN TABLE hand (run integer, "how much" double precision OPTIONS (column_name 'exposure_percentage'),
			application_id text, experiment_definition_id text) SERVER remote OPTIONS (object 'experiment_runs');
		SELECT count(*), sum(h."how much") FROM hand h JOIN cart_runs r USING (application_id, experiment_definition_id, run)
			WHERE r.exposure_percentage = h."how much"}, '3|101', $three);
};

subtest 'lists alone are read once' => sub {
	$session->query(join_by('hashjoin'));
	shows('self-join', 'SELECT count(*) FROM cart_runs a JOIN cart_runs b USING (run, updated_at)', '3', 'ListExperimentRuns 1');
	$session->query(join_by());
	shows('three pages', 'SELECT count(*), (SELECT count(*) FROM long_runs) FROM long_runs', '120|120', 'ListExperimentRuns 3');
	shows('no runs', 'SELECT count(*), (SELECT count(*) FROM nothing_treatments) FROM nothing_runs', '0|0', 'ListExperimentRuns 1');
};

subtest 'keys that repeat ask once' => sub {
	my $keys = '(VALUES (1), (3), (1), (99), (3), (3), (99)) k (run)';

	$session->query(join_by('nestloop') . 'SET enable_memoize = off; SET enable_material = off;');
	shows('nested loop', "SELECT count(*), sum(exposure_percentage) FROM $keys JOIN cart_runs USING (run)", '5|152', 'GetExperimentRun 3');
	shows('nested loop, two tables', "SELECT count(*) FROM $keys JOIN cart_runs r USING (run) JOIN cart_overrides o USING (run)"
		  . ' WHERE r.exposure_percentage > 0', '12', 'GetExperimentRun 3');
	$session->query(join_by() . 'RESET enable_memoize; RESET enable_material;');
	shows('a key and a list', 'SELECT count(*) FROM cart_runs a, cart_runs b WHERE a.run = 2 AND a.exposure_percentage >= b.exposure_percentage',
		'3', $three);
};

subtest 'prepared statements and cursors are one statement each time' => sub {
	$session->query('SET plan_cache_mode = force_generic_plan; PREPARE p (int) AS SELECT sum(exposure_percentage), count(treatment_key)'
		  . ' FROM cart_runs r JOIN cart_treatments t USING (run) WHERE r.run = $1');
	shows('first', 'EXECUTE p (3)', '150|3', 'GetExperimentRun 1');
	shows('second', 'EXECUTE p (3)', '150|3', 'GetExperimentRun 1');
	$session->query('DEALLOCATE p; RESET plan_cache_mode');
	shows('a cursor', 'BEGIN; DECLARE c CURSOR FOR SELECT a.run FROM cart_runs a JOIN cart_runs b USING (run, exposure_percentage);'
		  . ' FETCH 1 FROM c; FETCH ALL FROM c; COMMIT', "3\n2\n1", $three);
	shows('a cursor that outlives its transaction',
		'BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT a.run FROM cart_runs a JOIN cart_runs b USING (run, exposure_percentage)'
		  . ' ORDER BY 1; FETCH 1 FROM c; COMMIT; FETCH ALL FROM c; FETCH ABSOLUTE 1 FROM c; CLOSE c', "1\n2\n3\n1", $three);
};

subtest 'without pushdown each document is read once, too' => sub {
	my $sum = 'SELECT count(*), sum(a.exposure_percentage::numeric) FROM remote.experiment_runs a JOIN remote.treatments t USING'
	  . ' (application_id, experiment_definition_id, run)';
	my ($out, $calls) = calls_of($sum);
	my ($off, $calls_off) = calls_of("SET appconfig_fdw.enable_pushdown = off; $sum; RESET appconfig_fdw.enable_pushdown");
	my $runs = scalar @{ $emulator->control('GET', 'dump')->{experiment_runs} };

	is($off, $out, 'the same rows');
	like($_, qr/^.*GetExperimentRun $runs\b/, "each of the $runs runs once") foreach ($calls, $calls_off);
};

subtest 'a function called in a query is a statement of its own' => sub {
	$session->query(q{
		CREATE FUNCTION exposure(wanted int) RETURNS double precision LANGUAGE plpgsql AS
			$$ BEGIN RETURN (SELECT exposure_percentage FROM cart_runs WHERE run = wanted); END $$;
		CREATE FUNCTION exposure_sql(wanted int) RETURNS double precision LANGUAGE sql VOLATILE AS
			$$ SELECT exposure_percentage FROM cart_runs WHERE run = wanted $$;
		CREATE FUNCTION exposures() RETURNS TABLE (run int, exposure double precision) LANGUAGE sql STABLE AS
			$$ SELECT run, exposure_percentage FROM cart_runs $$;
	});
	shows("$_, for each row", "SELECT sum($_(r.run)) FROM cart_runs r WHERE exposure_percentage > 0", '101',
		'GetExperimentRun 6, ListExperimentRuns 1') foreach qw(exposure exposure_sql);
	shows('a function that the planner puts into the query belongs to it',
		'SELECT sum(e.exposure) FROM cart_runs r JOIN exposures() e USING (run) WHERE exposure_percentage > 0', '101', $three);
};

# ---------------------------------------------------------------------
# One state of each run
# ---------------------------------------------------------------------

# Everything of the running run tells its version: exposure 0, 1, ...; description v0, v1, ...;
# and one override, of the entity v0, v1, ...
sub version
{
	my ($n) = @_;

	return { action => 'update_run', application => 'shop4x1', definition => 'addcrt1', run => 3, exposure => $n,
		description => "v$n", overrides => { "v$n" => 't1' } };
}

# never_mixed(NAME, SQL, ALLOWED): executes the statement with the data changing from version 0 to 1
# after its first call, its second, and so on to its last; what it prints has to match one of ALLOWED
sub never_mixed
{
	my ($name, $sql, @allowed) = @_;
	my $pattern = join('|', map { quotemeta } @allowed);

	for (my $after = 0;; $after++)
	{
		$emulator->control('POST', 'mutate', version(0));
		$emulator->faults({ kind => 'change', after => $after, times => 1, mutation => version(1) });
		my ($out, $calls) = calls_of($sql);

		$emulator->faults();
		# how many calls a statement makes can depend on what it sees, but some day none is left
		last if ! grep { ($_->{fault} // '') eq 'change' } @{ $emulator->control('GET', 'log') };
		like($out, qr/^(?:$pattern)$/, "$name: changed after call " . ($after + 1) . " of $calls");
	}
}

subtest 'tables of one run show one state of it' => sub {
	foreach my $method ('nestloop', 'hashjoin')
	{
		$session->query(join_by($method));
		foreach my $by (" AND $where{cart} AND run = 3", " AND $where{cart}")
		{
			never_mixed("$method,$by",
				'SELECT r.exposure_percentage, r.description, r.treatment_overrides, o.entity_id, t.n,'
				  . " r.updated_at = min(r.updated_at) OVER () FROM remote.experiment_runs r"
				  . ' JOIN remote.treatment_overrides o USING (application_id, experiment_definition_id, run)'
				  . " JOIN (SELECT application_id, experiment_definition_id, run, count(*) n FROM remote.treatments GROUP BY 1, 2, 3) t"
				  . " USING (application_id, experiment_definition_id, run) WHERE r.status = 'RUNNING'$by",
				'0|v0|{"v0": "t1"}|v0|3|t', '1|v1|{"v1": "t1"}|v1|3|t');
		}
	}
	$session->query(join_by());
};

subtest 'a run that is known by names and by ids is one run' => sub {
	my $names = "r.application_name = 'storefront' AND r.experiment_definition_name = 'add-to-cart-button'";
	my $ids = "o.application_id = 'shop4x1' AND o.experiment_definition_id = 'addcrt1'";
	my $from = "FROM remote.experiment_runs r, remote.treatment_overrides o WHERE $names AND $ids AND r.run = o.run";

	foreach my $run ('r.run = 3', 'r.run >= 3 AND o.run >= 3')
	{
		never_mixed($run, "SELECT r.description, r.exposure_percentage, o.entity_id $from AND $run", 'v0|0|v0', 'v1|1|v1');
		like((calls_of("SELECT count(r.exposure_percentage) $from AND $run"))[1], qr/GetExperimentRun 1,/, '... fetched once');
	}
};

subtest 'what a list says is of the same state as what a document says' => sub {
	foreach my $method ('nestloop', 'hashjoin')
	{
		$session->query(join_by($method));
		never_mixed("description of the list and overrides of the document, $method",
			'SELECT r.description, o.entity_id FROM cart_runs r JOIN cart_overrides o USING (run) WHERE run = 3 OR run > 3', 'v0|v0', 'v1|v1');
		never_mixed("sub-select, $method",
			'SELECT r.description, (SELECT exposure_percentage FROM cart_runs WHERE run = 3) FROM cart_runs r WHERE run >= 3',
			'v0|0', 'v1|1');
		never_mixed("update time of the list, $method",
			'SELECT bool_and(r.updated_at = d.updated_at) FROM cart_runs r JOIN (SELECT run, updated_at, exposure_percentage FROM cart_runs'
			  . ' WHERE exposure_percentage >= 0 OFFSET 0) d USING (run)', 't');
	}
	$session->query(join_by());
	never_mixed('two branches of a UNION',
		"SELECT count(DISTINCT v) FROM (SELECT description FROM cart_runs WHERE run >= 3 UNION ALL"
		  . " SELECT 'v' || exposure_percentage FROM cart_runs WHERE run >= 3) u (v)", '1');
};

subtest 'a filter on what a list says is of the same state, too' => sub {
	foreach my $method ('nestloop', 'hashjoin')
	{
		$session->query(join_by($method));
		never_mixed("a row that one scan shows passes the filter of the other, $method",
			"SELECT b.exposure_percentage, a.run FROM cart_runs b LEFT JOIN (SELECT * FROM cart_runs WHERE description = 'v1') a"
			  . ' USING (run) WHERE run >= 3', '0|', '1|3');
		never_mixed("NOT EXISTS, $method",
			'SELECT count(*) FROM cart_runs b WHERE run >= 3 AND b.exposure_percentage = 1 AND NOT EXISTS'
			  . " (SELECT FROM cart_runs a WHERE a.run = b.run AND a.run >= 3 AND a.description = 'v1')", '0');
	}
	$session->query(join_by());
};

subtest 'lists with and without a filter by status show one state' => sub {
	my $join = "SELECT a.description, b.description FROM cart_runs a JOIN cart_runs b USING (run) WHERE a.status = 'RUNNING'";

	$session->query(join_by('hashjoin'));
	shows('both from one list', "SELECT count(b.status) FROM cart_runs a JOIN cart_runs b USING (run) WHERE a.status = 'RUNNING'", '1',
		'ListExperimentRuns 1');
	foreach my $method ('nestloop', 'hashjoin')
	{
		$session->query(join_by($method));
		never_mixed("a join, $method", $join, 'v0|v0', 'v1|v1');
		never_mixed("a sub-select, $method", "SELECT description, (SELECT description FROM cart_runs WHERE status = 'RUNNING') FROM cart_runs"
			  . ' WHERE run >= 3', 'v0|v0', 'v1|v1');
	}
	$session->query(join_by());
	shows('two filters', "SELECT (SELECT count(*) FROM cart_runs WHERE status = 'DONE'), (SELECT count(*) FROM cart_runs WHERE status = 'RUNNING')",
		'2|1', 'ListExperimentRuns 1');
	shows('a single scan keeps its filter', "SELECT count(*) FROM cart_runs WHERE status = 'RUNNING'", '1', 'ListExperimentRuns 1');
	like($emulator->control('GET', 'log')->[0]{target}, qr/status=RUNNING/, '... in the call');
};

subtest 'a run that ends meanwhile is running or done, not both' => sub {
	my %stop = (action => 'stop_run', application => 'app120x', definition => 'norun00');
	my $count = "SELECT (SELECT count(*) FROM nothing_runs WHERE status = 'RUNNING' AND run = %d),"
	  . " (SELECT count(*) FROM nothing_runs WHERE status = 'DONE' AND run = %d)";

	foreach my $sql ($count, "SELECT count(*) FILTER (WHERE status = 'RUNNING'), count(*) FILTER (WHERE status = 'DONE') FROM"
		  . " (SELECT run, status FROM nothing_runs WHERE status = 'RUNNING' UNION ALL"
		  . " SELECT run, status FROM nothing_runs WHERE status = 'DONE') u WHERE run = %d AND %d > 0")
	{
		foreach my $listed (1, 0)
		{
			my $run = $emulator->mutate('start_run', application => 'app120x', definition => 'norun00')->{Run};
			my $statement = $sql =~ s/%d/$run/gr;

			$statement =~ s/run = $run/run >= $run/g if $listed;
			$emulator->faults({ kind => 'change', times => 1, mutation => { %stop, run => $run } });
			like($session->query($statement), qr/^(1\|0|0\|1)$/, $statement);
			$emulator->faults();
		}
	}
};

subtest 'a range that is one run, and a name beside an id, show one state' => sub {
	my $named = "b.application_id = 'shop4x1' AND b.experiment_definition_name = 'add-to-cart-button'";

	foreach my $method ('nestloop', 'hashjoin')
	{
		$session->query(join_by($method));
		foreach my $range ('run >= 3 AND run <= 3', 'run BETWEEN 3 AND 3', 'run > 2 AND run < 4')
		{
			never_mixed("$range, $method",
				"SELECT a.description, b.description FROM (SELECT * FROM cart_runs WHERE $range) a JOIN cart_runs b USING (run)",
				'v0|v0', 'v1|v1');
		}
		never_mixed("a list by name and one by id, $method",
			"SELECT a.description, b.description FROM cart_runs a JOIN remote.experiment_runs b ON a.run = b.run AND $named WHERE a.run >= 3",
			'v0|v0', 'v1|v1');
		never_mixed("a document by name and a list by id, $method",
			"SELECT a.description, b.description, b.exposure_percentage FROM cart_runs a"
			  . " JOIN remote.experiment_runs b ON a.run = b.run AND $named WHERE a.run >= 3",
			'v0|v0|0', 'v1|v1|1');
	}
	$session->query(join_by());
};

subtest 'a scan that is run again sees what it has seen' => sub {
	my $again = 'SELECT o.x, r.description FROM (VALUES (1), (3)) o (x), LATERAL (SELECT * FROM cart_runs WHERE %s OFFSET 0) r WHERE r.run = 3';
	my $named = "SELECT o.x, r.description FROM (VALUES (1, 'addcrt1', NULL), (2, NULL, 'add-to-cart-button')) o (x, i, n),"
	  . " LATERAL (SELECT * FROM remote.experiment_runs WHERE application_id = 'shop4x1'"
	  . " AND (experiment_definition_id = o.i OR experiment_definition_name = o.n) AND run >= 3 OFFSET 0) r";

	never_mixed('by a list, and by a document where the range is one run', sprintf($again, 'run >= o.x AND run <= 3'), "1|v0\n3|v0", "1|v1\n3|v1");
	never_mixed('by an id and by a name', $named, "1|v0\n2|v0", "1|v1\n2|v1");
	# of a few values each is asked for, of many there is a list
	my $many = '{3,4,5,6,7,8,9,10,11,12,13}';
	never_mixed("by a document and by a list, as arrays are short or long", "SELECT cardinality(o.x), r.description FROM"
		  . " (VALUES ('{3}'::int[]), ('$many'), ('{3,9}')) o (x), LATERAL (SELECT * FROM cart_runs WHERE run = ANY (o.x) OFFSET 0) r",
		"1|v0\n11|v0\n2|v0", "1|v1\n11|v1\n2|v1");
	never_mixed("as a range leaves much or little of an array, $_", sprintf($again, "run = ANY ('{1,2,3,4,5,6,7,8,9,10,11}') AND run $_ o.x"),
		"1|v0\n3|v0", "1|v1\n3|v1") foreach ('>=', '> -1 +');
};

subtest 'a subquery that a plan has several copies of' => sub {
	my $not_in = 'd NOT IN (SELECT treatment_key FROM cart_treatments WHERE run IN (1, 2))';

	$session->query("CREATE TEMP TABLE parts (k text, d text) PARTITION BY LIST (k);
		CREATE TEMP TABLE part_a PARTITION OF parts FOR VALUES IN ('a'); CREATE TEMP TABLE part_b PARTITION OF parts FOR VALUES IN ('b');
		INSERT INTO parts VALUES ('a', 'x'), ('b', 'y')");
	shows('one for each partition', "SELECT count(*) FROM parts WHERE $not_in", '2', 'GetExperimentRun 2');
	$session->query('DROP TABLE parts');
};

subtest 'what a scan no longer waits for is not asked for again' => sub {
	my $exists = "SELECT count(*) FROM generate_series(1, 12) g WHERE EXISTS (SELECT FROM remote.experiment_runs WHERE"
	  . " application_id = 'app120x' AND experiment_definition_id = 'def120x' AND run > g AND exposure_percentage >= 0 OFFSET 0)";

	my ($out, $calls) = calls_of($exists);
	my @targets = map { $_->{target} } @{ $emulator->control('GET', 'log') };
	my %once = map { $_ => 1 } @targets;

	is($out, '12', 'rows');
	is(scalar(@targets), scalar(keys %once), 'no call is made twice');
};

subtest 'a status that one scan asks for is that which another one shows' => sub {
	my %stop = (action => 'stop_run', application => 'app120x', definition => 'norun00');

	foreach my $status ('RUNNING', 'DONE')
	{
		foreach my $after (0 .. 3)
		{
			my $run = $emulator->mutate('start_run', application => 'app120x', definition => 'norun00')->{Run};

			$emulator->faults({ kind => 'change', times => 1, after => $after, mutation => { %stop, run => $run } });
			my $shown = $session->query("SELECT b.status, b.exposure_percentage, a.run FROM nothing_runs b LEFT JOIN"
				  . " (SELECT run FROM nothing_runs WHERE status = '$status' AND run >= $run) a USING (run) WHERE b.run >= $run");
			$emulator->faults();
			$emulator->mutate('stop_run', application => 'app120x', definition => 'norun00', run => $run)
			  if $session->query("SELECT status FROM nothing_runs WHERE run = $run") eq 'RUNNING';
			like($shown, $status eq 'DONE' ? qr/^(RUNNING\|0\||DONE\|0\|$run)$/ : qr/^(RUNNING\|0\|$run|DONE\|0\|)$/,
				"$status, changed after " . ($after + 1) . ' calls');
		}
	}
};

subtest 'a row is of the document where there is one' => sub {
	my %run = %{ $emulator->mutate('start_run', application => 'app120x', definition => 'norun00', description => 'before') };

	delete $run{Description};
	$run{ExposurePercentage} = 1.5;
	$emulator->faults({ kind => 'change', operation => 'ListExperimentRuns', times => 1,
		mutation => { action => 'put', kind => 'run', document => \%run } });
	is($session->query("SELECT exposure_percentage, description FROM nothing_runs WHERE run >= $run{Run}"), '1.5|',
		'a member that has gone since the list is gone');
	$emulator->faults();
};

# ---------------------------------------------------------------------
# Beyond work_mem
# ---------------------------------------------------------------------

# for each run of the list its document, and then its document again, without joins, sorts and
# hashes, which would have temporary files of their own
my $again = 'SELECT r.run, r.exposure_percentage, (SELECT count(*) FROM long_treatments t WHERE t.run = r.run) FROM long_runs r';
my $files = 'SELECT count(*) FROM pg_ls_tmpdir()';
my $little = "SET work_mem = '64kB'; SET log_temp_files = 0; SET client_min_messages = log;";
my $much = "RESET work_mem; RESET log_temp_files; RESET client_min_messages;";

# The sizes of the temporary files that a statement has had
sub temporary_files
{
	my ($sql) = @_;
	my ($out, $err) = $session->run($sql);

	unlike($err, qr/ERROR/, 'no error');
	return $err =~ /temporary file: .*, size (\d+)/g;
}

subtest 'documents beyond work_mem are in a temporary file' => sub {
	my $all = "SELECT count(*), md5(string_agg(a::text, ' ')) FROM ($again) a";
	my $calls = 'GetExperimentRun 120, ListExperimentRuns 3';
	my ($expected, $made) = calls_of("SET work_mem = '64MB'; $all");
	my @sizes;

	is($made, $calls, 'each document once with much memory');
	@sizes = temporary_files($little . $all);
	is(scalar @sizes, 1, 'one file with little');
	cmp_ok($sizes[0], '>', 64 * 1024, '... of some size');
	shows('the same rows', $all, $expected, $calls);
	is($session->query($files), 0, 'the file is gone');
	# pages of lists as well
	$all = 'SELECT sum((SELECT count(*) FROM long_runs b WHERE b.exposure_percentage >= r.run)) FROM long_runs r WHERE r.run <= 10';
	($expected, $made) = calls_of("SET work_mem = '64MB'; $all; $little");
	shows('what is read again and again', $all, $expected, $made);
	is(join(' ', temporary_files("SET work_mem = '64MB'; $all")), '', 'no file where there is memory');
	$session->query($little);
};

my $cursor = "DECLARE c CURSOR FOR $again;";
my $some = "MOVE 100 IN c; $files;";

subtest 'the file ends with its statement' => sub {
	$session->query($much . "SET work_mem = '64kB'");
	is($session->query("BEGIN; $cursor $some CLOSE c; $files; COMMIT"), "1\n0", 'a cursor that is closed');
	is($session->query("BEGIN; $cursor $some COMMIT; $files"), "1\n0", 'a cursor that ends with its transaction');
	is($session->query("BEGIN; $cursor $some ROLLBACK; $files"), "1\n0", 'a cursor whose transaction is rolled back');
	is($session->query("BEGIN; SAVEPOINT a; $cursor $some ROLLBACK TO a; $files; COMMIT"), "1\n0",
		'a cursor whose savepoint is rolled back');
	is($session->query("BEGIN; $cursor $some DECLARE d CURSOR FOR $again; MOVE 100 IN d; $files; CLOSE c; $files; CLOSE d; $files; COMMIT"),
		"1\n2\n1\n0", 'two statements have a file each');
	is($session->failure($again =~ s/r\.run,/1 \/ (r.run - 20),/r), '22012', 'an error in the middle');
	is($session->query($files), 0, '... leaves none behind');
	is($session->failure("BEGIN; $cursor $some " . 'SELECT 1 / 0'), '22012', 'an error beside an open cursor');
	$session->query('ROLLBACK');
	is($session->query($files), 0, '... leaves none behind');
	$emulator->faults({ kind => 'status', status => 400, code => 'BadRequestException', path => 'experimentruns/20$' });
	is($session->failure($again), 'HV000', 'an error of the service');
	$emulator->faults();
	is($session->query($files), 0, '... leaves none behind');
};

subtest 'the file ends with an aborted subtransaction' => sub {
	$session->query(qq{
		CREATE FUNCTION files_after_error(sql text, OUT during bigint, OUT caught bigint, OUT state text) LANGUAGE plpgsql AS \$\$
		DECLARE
			row record;
			rows int := 0;
		BEGIN
			FOR row IN EXECUTE sql LOOP
				rows := rows + 1;
				IF rows = 100 THEN
					during := (SELECT count(*) FROM pg_ls_tmpdir());
					PERFORM 1 / (rows - 100);
				END IF;
			END LOOP;
		EXCEPTION WHEN division_by_zero THEN
			caught := (SELECT count(*) FROM pg_ls_tmpdir());
			state := SQLSTATE;
		END \$\$;
	});
	is($session->query("SELECT * FROM files_after_error(\$\$$again\$\$)"), '1|0|22012', "an EXCEPTION block, call $_") foreach (1, 2);
};

subtest 'a cursor survives a subtransaction that has read from it' => sub {
	my $rows = $session->query($again);

	is($session->query("BEGIN; $cursor FETCH 10 FROM c; SAVEPOINT a; FETCH 80 FROM c; ROLLBACK TO a; FETCH ALL FROM c; COMMIT"), $rows,
		'its file was made in the subtransaction');
	is($session->query($files), 0, 'the file is gone');
};

subtest 'no more than temp_file_limit' => sub {
	$session->query("SET temp_file_limit = '64kB'");
	is($session->failure($again), '53400', 'more is an error');
	is($session->query($files), 0, 'the file is gone');
	$session->query('RESET temp_file_limit');
	is(scalar(my @rows = split /\n/, $session->query($again)), 120, 'the next statement works');
};

my $single = 'SELECT run, exposure_percentage FROM long_runs';
my $single_in_append = "$single UNION ALL (VALUES (0, 0::double precision), (1, 0))";

# How many temporary files there are when a cursor has read the statement in part, and by how many bytes what the
# statement keeps has grown then
sub kept_by
{
	my ($session, $sql) = @_;
	my $kept = 'SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name IN'
	  . " ('appconfig_fdw connection', 'appconfig_fdw memo', 'appconfig_fdw snapshot')";
	my ($first, $last, $no_files) = split /\n/,
	  $session->query("BEGIN; DECLARE c CURSOR FOR $sql; MOVE 40 IN c; $kept; MOVE 65 IN c; $kept; $files; COMMIT");

	return ($no_files, $last - $first);
}

subtest 'a single scan keeps nothing' => sub {
	my %statements = (
		'a scan' => $single,
		'a CTE' => "WITH w AS MATERIALIZED ($single) SELECT * FROM w",
		'a CTE within a CTE' => "WITH v AS MATERIALIZED ($single), w AS MATERIALIZED (SELECT * FROM v) SELECT * FROM w",
		'a LIMIT' => "$single LIMIT 110",
		'an Append' => $single_in_append,
		'a SubqueryScan' => "SELECT * FROM ($single OFFSET 0) s WHERE random() >= 0",
		'a ProjectSet' => "SELECT exposure_percentage, generate_series(1, 1) FROM long_runs",
		'a WindowAgg' => "SELECT row_number() OVER () FROM ($single OFFSET 0) s",
		'a Result' => "SELECT * FROM ($single OFFSET 0) s WHERE now() > '2000-01-01'",
		'an outer side of a nested loop' => "SELECT * FROM ($single OFFSET 0) a LEFT JOIN (VALUES (1)) v ON v.column1 = run");

	foreach my $name (sort keys %statements)
	{
		my ($no_files, $growth) = kept_by($session, $statements{$name});

		is($no_files, 0, "$name: no temporary file");
		is($growth, 0, '... and the memo does not grow');
	}

	# these have read everything when their first row comes, so it is the statement's end that tells
	$session->query($little);
	is(join(' ', temporary_files($_)), '', $_)
	  foreach (
		'WITH w AS MATERIALIZED (SELECT exposure_percentage FROM long_runs) SELECT count(*) FROM w',
		'SELECT (SELECT max(exposure_percentage) FROM long_runs)',
		'SELECT g, (SELECT max(exposure_percentage) FROM long_runs) FROM generate_series(1, 3) g',
		'SELECT count(*) FROM generate_series(1, 3) g WHERE g < (SELECT max(exposure_percentage) FROM long_runs)',
		'SELECT count(*) FROM generate_series(1, 100) g WHERE g IN (SELECT exposure_percentage FROM long_runs)',
		'SELECT EXISTS (SELECT FROM long_runs WHERE exposure_percentage < 0)',
		'SELECT ARRAY(SELECT exposure_percentage FROM long_runs)',
		'CREATE TEMP TABLE single AS SELECT run, exposure_percentage FROM long_runs');
	is(scalar(my @sizes = temporary_files($again)), 1, 'but two scans share what they read');
	$session->query($much);
};

subtest 'an unknown plan node counts as one that reads everything again' => sub {
	my $module = PostgreSQL::Test::Utils::tempdir() . '/unknown_plan_node.so';
	my $session = open_session($node);

	system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-I', $ENV{PG_HEADERS}, '-o', $module,
		"$FindBin::RealBin/unknown_plan_node.c");
	is((kept_by($session, $single_in_append))[1], 0, 'without one nothing is kept');
	like($session->query("EXPLAIN $single_in_append"), qr/^Append.*Values Scan/s, 'the plan that it is to be in');
	$session->query("LOAD '$module'");
	cmp_ok((kept_by($session, $single_in_append))[1], '>', 0, 'with one documents are');
	is((kept_by($session, $single))[1], 0, 'but not those of another plan');
};

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP|leak/, 'no backend crashed or leaked');

done_testing();
