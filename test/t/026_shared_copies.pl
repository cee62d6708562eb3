# What sessions share of answers: documents of runs that are done, and what cache_ttl allows
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
my $elsewhere = start_emulator('--no-verify');
my $url = $emulator->url;
my $arn = 'arn:aws:iam::111122223333:role';
# segments are files then, whose sizes can be seen
my $node = new_node('shared', 'dynamic_shared_memory_type = mmap', 'restart_after_crash = on');
my %fast = (max_get_rate => 0, max_list_rate => 0, sts_endpoint => $url);
my $keys = "access_key_id '$access_key', secret_access_key '$secret_key'";
my $other_keys = "access_key_id 'AKIDOTHER', secret_access_key 'other-secret'";
my $list = 'ListExperimentRuns 1';
my $definitions = 0;
my %documents;

create_server($node, 'frozen', $url, %fast);
# what PostgreSQL needs for itself, and others of the extension
$node->safe_psql('postgres', 'SET appconfig_fdw.shared_cache_size = 0; SELECT run FROM frozen.experiment_runs LIMIT 1');
my $others_bytes = segment_bytes();
create_server($node, 'kept', $url, %fast, cache_ttl => '1h');

# A definition of its own for a subtest, with runs 1 and 2 DONE and 3 RUNNING; its id
sub new_definition
{
	my $id = sprintf('shared%02d', ++$definitions);
	my %where = (application => 'shop4x1', definition => $id);

	foreach my $each ($emulator, $elsewhere)
	{
		$each->mutate('put', kind => 'definition', document => {
			ApplicationId => 'shop4x1', Id => $id, Name => $id, Status => 'IDLE', EnvironmentId => 'prod7e2',
			ConfigurationProfileId => 'flagp51', FlagKey => 'f', Control => { Key => 'c', Weight => 50, FlagValue => {} },
			Treatments => [ { Key => 't1', Weight => 50, FlagValue => {} } ] });
		$each->mutate('start_run', %where, exposure => $_) foreach (1 .. 3);
		$documents{$id}{$_} = $each->mutate('stop_run', %where, run => $_) foreach (1, 2);
	}
	return $id;
}

# The document of a run, to be put again with changes
sub document_of
{
	my ($definition, $run) = @_;

	return %{ $documents{$definition}{$run} };
}

sub put_run
{
	my (%document) = @_;

	return $emulator->mutate('put', kind => 'run', document => \%document);
}

# Runs of a dashboard: of so many definitions, 10 that are done and one that runs; their ids
sub new_board
{
	my ($count) = @_;
	my @ids = map { new_definition() } 1 .. $count;

	foreach my $id (@ids)
	{
		my %where = (application => 'shop4x1', definition => $id);

		foreach my $run (4 .. 11)
		{
			$emulator->mutate('start_run', %where, exposure => $run);
			$emulator->mutate('stop_run', %where, run => $run);
		}
	}
	return @ids;
}

# shows(SESSION, NAME, SQL, OUTPUT, CALLS); without a session, in one of its own
sub shows
{
	my ($session, $name, $sql, $expected, $calls) = @_;

	$session //= open_session($node);
	$emulator->clear;
	is($session->query($sql), $expected, $name);
	is($emulator->calls, $calls, '... with the calls expected');
}

# Bytes of all segments, of which the others' are there from the beginning
sub segment_bytes
{
	my $sum = 0;

	$sum += -s $_ foreach glob($node->data_dir . '/pg_dynshmem/mmap.*');
	return $sum;
}

my $before = '1 DONE 1, 2 DONE 2, 3 RUNNING 3';
my $all = "GetExperimentRun 3, $list";
my $running = "GetExperimentRun 1, $list";

# ---------------------------------------------------------------------
# Frozen runs
# ---------------------------------------------------------------------

subtest 'a run that another session has seen done is not fetched again' => sub {
	my $id = new_definition();
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);
	my %run1;
	my $session = open_session($node);

	shows($session, 'the first session', list_runs('frozen', $id), $before, $all);
	shows(undef, 'another', list_runs('frozen', $id), $before, $running);
	shows(undef, 'another table', 'SELECT count(*) FROM frozen.treatments WHERE ' . where($id), '6', $running);
	shows(undef, 'a run by its keys', get_run('frozen', $id, 1), '1', 'GetExperimentRun 1');
	$emulator->mutate('stop_run', %run3);
	shows(undef, 'what has ended is fetched once more', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 DONE 3', $running);
	shows($session, '... by one for all', list_runs('frozen', $id), '1 DONE 1, 2 DONE 2, 3 DONE 3', $list);
	%run1 = document_of($id, 1);
	put_run(%run1, ExposurePercentage => 11, UpdatedAt => '2026-11-11T11:11:11Z');
	shows(undef, 'another UpdatedAt', list_runs('frozen', $id), '1 DONE 11, 2 DONE 2, 3 DONE 3', $running);
	shows($session, '... for the first as well', list_runs('frozen', $id), '1 DONE 11, 2 DONE 2, 3 DONE 3', $list);
	put_run(%run1, ExposurePercentage => 12, UpdatedAt => '2026-11-11T11:11:11Z', Status => 'RUNNING');
	shows(undef, 'another status', list_runs('frozen', $id), '1 RUNNING 12, 2 DONE 2, 3 DONE 3', $running);
	put_run(%run1, ExposurePercentage => 13, UpdatedAt => '2026-11-11T11:11:11Z');
	shows(undef, '... that was seen ends the copy', list_runs('frozen', $id), '1 DONE 13, 2 DONE 2, 3 DONE 3', $running);
	$emulator->mutate('delete_definition', application => 'shop4x1', definition => $id);
	shows(undef, 'what is gone is gone', list_runs('frozen', $id), '', $list);
};

subtest 'a dashboard in a new connection costs lists, and what runs' => sub {
	my @ids = new_board(20);
	my $sql = "SELECT status, count(*), sum(exposure_percentage) FROM frozen.experiment_runs WHERE application_id = 'shop4x1'"
	  . ' AND experiment_definition_id IN (' . join(', ', map { "'$_'" } @ids) . ') GROUP BY 1 ORDER BY 1';
	my $rows = "DONE|200|1260\nRUNNING|20|60";

	shows(undef, 'the first', $sql, $rows, 'GetExperimentRun 220, ListExperimentDefinitions 1, ListExperimentRuns 20');
	shows(undef, 'another', $sql, $rows, 'GetExperimentRun 20, ListExperimentDefinitions 1, ListExperimentRuns 20');
};

subtest 'hits are counted' => sub {
	my $id = new_definition();
	my $session = open_session($node);

	shows(undef, 'a session', list_runs('frozen', $id), $before, $all);
	$session->query(list_runs('frozen', $id));
	is($session->query('SELECT operation, calls, cache_hits FROM appconfig_fdw_stats() ORDER BY 1'),
		"GetExperimentRun|1|2\nListExperimentRuns|1|0", 'another has found two');
};

subtest 'the identity that signs counts, and nothing else' => sub {
	my $id = new_definition();
	my $sql = list_runs('frozen', $id);
	my $session = open_session($node);
	my $set = sub { $session->query("ALTER USER MAPPING FOR CURRENT_USER SERVER frozen OPTIONS ($_[0])") };

	shows(undef, 'a session', $sql, $before, $all);
	$node->safe_psql('postgres', 'CREATE DATABASE elsewhere; CREATE ROLE ann SUPERUSER');
	$node->safe_psql('elsewhere', 'CREATE EXTENSION appconfig_fdw');
	$node->safe_psql('elsewhere', "CREATE SERVER s FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', endpoint '$url', max_list_rate '0');
		CREATE USER MAPPING FOR PUBLIC SERVER s OPTIONS ($keys); CREATE SCHEMA frozen; IMPORT FOREIGN SCHEMA appconfig FROM SERVER s INTO frozen;");
	shows(undef, 'another database', "\\c elsewhere\n$sql", $before, $running);
	shows(undef, '... and role', "\\c elsewhere\nSET ROLE ann; $sql", $before, $running);

	$set->("SET access_key_id 'AKIDOTHER', SET secret_access_key 'other-secret'");
	shows(undef, 'another account begins anew', $sql, $before, $all);
	shows(undef, '... for all who have it', $sql, $before, $running);
	$set->("SET access_key_id '$access_key', SET secret_access_key '$secret_key'");
	shows(undef, 'and back', $sql, $before, $running);
	$set->("SET secret_access_key 'wrong'");
	is(open_session($node)->failure($sql), '28000', "somebody's key with another secret");
	is(open_session($node)->failure(list_runs('kept', $id) =~ s/kept/frozen/r), '28000', '... is nobody');
	$set->("SET secret_access_key '$secret_key'");

	$session->query("ALTER SERVER frozen OPTIONS (SET endpoint '" . $elsewhere->url . "')");
	$elsewhere->clear;
	is(open_session($node)->query($sql), $before, 'another endpoint');
	is($elsewhere->calls, $all, '... has documents of its own');
	$session->query("ALTER SERVER frozen OPTIONS (SET endpoint '$url')");
	shows(undef, 'and back', $sql, $before, $running);
};

subtest 'temporary keys change, and the role does not' => sub {
	my $id = new_definition();
	my $sql = list_runs('role', $id);
	my $session;
	my $set = sub { $node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER role OPTIONS ($_[0])") };

	create_server($node, 'role', $url, %fast);
	$set->("ADD role_arn '$arn/ReportReader'");
	shows(undef, 'a session', $sql, $before, "AssumeRole 1, $all");
	shows(undef, 'another, whose keys are others', $sql, $before, "AssumeRole 1, $running");
	$session = open_session($node);
	$session->query($sql);
	$emulator->mutate('expire_sessions');
	$session->query($sql);
	is($session->query("SELECT calls FROM appconfig_fdw_stats() WHERE operation = 'AssumeRole'"), 2, 'one that needs new keys');
	shows($session, '... reads on', $sql, $before, $list =~ s/^/GetExperimentRun 1, /r);
	shows(undef, 'and others', $sql, $before, "AssumeRole 1, $running");
	$set->("ADD role_session_name 'another'");
	shows(undef, "another session's name, which policies can tell", $sql, $before, "AssumeRole 1, $all");
	$set->("SET role_arn '$arn/RoleA'");
	shows(undef, 'another role', $sql, $before, "AssumeRole 1, $all");
	$set->("SET role_arn '$arn/ReportReader', DROP role_session_name");
	shows(undef, 'and back', $sql, $before, "AssumeRole 1, $running");
};

subtest 'no secret is in shared memory' => sub {
	my $everything = join '', map { slurp_file($_) } glob($node->data_dir . '/pg_dynshmem/mmap.*');

	like($everything, qr/"ExperimentDefinitionId": ?"shared/, 'documents are');
	unlike($everything, qr/\Q$secret_key\E|other-secret|$access_key|AKIDOTHER/, '... and neither keys nor secrets');
};

subtest 'documents come as they were' => sub {
	my $id = new_definition();
	my $texts = 'SELECT string_agg(md5(description), \' \' ORDER BY run) FROM frozen.experiment_runs WHERE ' . where($id) . " AND status = 'DONE' AND treatment_overrides IS NULL";
	my %run = (document_of($id, 1), EndedAt => '2026-11-11T11:11:11Z');
	my @runs = 1 .. 60;

	delete $run{TreatmentOverrides};
	# of all lengths about the borders of a block
	put_run(%run, Run => $_, Description => join '', map { chr(0x20 + $_ % 0x50) } 1 .. 400 + 17 * $_) foreach @runs;
	put_run(%run, Run => 61, Description => "\x{1F600}" x 100_000);
	my $pages = 'ListExperimentRuns 2';
	my $first = open_session($node)->query($texts);
	shows(undef, '61 of them', $texts, $first, $pages);
	is($node->safe_psql('postgres', "SET appconfig_fdw.shared_cache_size = 0; $texts"), $first, 'the same as without copies');
};

# ---------------------------------------------------------------------
# cache_ttl
# ---------------------------------------------------------------------

subtest 'cache_ttl serves what another session of the role has asked for' => sub {
	my $id = new_definition();
	my %run3 = (application => 'shop4x1', definition => $id, run => 3);
	my $sql = list_runs('kept', $id);

	shows(undef, 'a session', $sql, $before, $all);
	$emulator->mutate('update_run', %run3, exposure => 30);
	shows(undef, 'another', $sql, $before, 'none');
	shows(undef, 'by keys', get_run('kept', $id, $_), $_, 'none') foreach (1, 3);
	shows(undef, 'where nothing may be old', list_runs('frozen', $id), $before =~ s/3$/30/r, $running);
	shows(undef, 'names', "SELECT DISTINCT application_name FROM kept.experiment_runs WHERE " . where($id), 'storefront', 'GetApplication 1');
	shows(undef, '... once', "SELECT DISTINCT application_name FROM kept.experiment_runs WHERE " . where($id), 'storefront', 'none');

	my $many = q{SELECT count(*), sum(run) FROM kept.experiment_runs WHERE application_id = 'app120x' AND experiment_definition_id = 'def120x'};
	shows(undef, 'a list of three pages', $many, '120|7260', 'ListExperimentRuns 3');
	shows(undef, '... as a whole', $many, '120|7260', 'none');

	$node->safe_psql('postgres', "CREATE ROLE bob SUPERUSER; CREATE USER MAPPING FOR bob SERVER kept OPTIONS ($keys)");
	shows(undef, 'another role', "SET ROLE bob; $sql", $before =~ s/3$/30/r, $running);
	shows(undef, '... has its own', "SET ROLE bob; $sql", $before =~ s/3$/30/r, 'none');
	shows(undef, '... and the first its own', $sql, $before, 'none');
	$emulator->mutate('update_run', %run3, exposure => 31);
	$node->safe_psql('postgres', "ALTER SERVER kept OPTIONS (ADD max_attempts '4')");
	shows(undef, 'ALTER SERVER', $sql, $before =~ s/3$/31/r, $running);
	$emulator->mutate('update_run', %run3, exposure => 32);
	$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS (SET secret_access_key '$secret_key')");
	shows(undef, 'ALTER USER MAPPING', $sql, $before =~ s/3$/32/r, $running);
	shows(undef, '... once', $sql, $before =~ s/3$/32/r, 'none');
	$emulator->mutate('update_run', %run3, exposure => 33);
	$node->safe_psql('postgres', "BEGIN; ALTER SERVER kept OPTIONS (SET max_attempts '5'); $sql; ROLLBACK");
	shows(undef, 'one that is rolled back', $sql, $before =~ s/3$/32/r, 'none');
	$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS (SET secret_access_key 'wrong')");
	is(open_session($node)->failure($sql), '28000', 'no secret, no copy');
	$node->safe_psql('postgres', "ALTER USER MAPPING FOR CURRENT_USER SERVER kept OPTIONS (SET secret_access_key '$secret_key')");
};

subtest 'cache_ttl ends for all' => sub {
	my $id = new_definition();

	$node->safe_psql('postgres', "ALTER SERVER kept OPTIONS (SET cache_ttl '1ms')");
	$node->safe_psql('postgres', get_run('kept', $id, 3));
	$emulator->mutate('update_run', application => 'shop4x1', definition => $id, run => 3, exposure => 5);
	wait_until('the copy to be too old', sub { $node->safe_psql('postgres', get_run('kept', $id, 3)) == 5 });
	pass('the copy becomes too old');
	$node->safe_psql('postgres', "ALTER SERVER kept OPTIONS (SET cache_ttl '1h')");
};

subtest 'what another session sees later ends it' => sub {
	my $id = new_definition();
	my $session = open_session($node);

	shows($session, 'a run by its keys', get_run('kept', $id, 3), '3', 'GetExperimentRun 1');
	$emulator->mutate('stop_run', application => 'shop4x1', definition => $id, run => 3);
	shows(undef, 'a list shows its end', list_runs('kept', $id), '1 DONE 1, 2 DONE 2, 3 DONE 3', $all);
	shows(undef, '... and its document is found by its keys', "SELECT status FROM kept.experiment_runs WHERE " . where($id) . ' AND run = 3', 'DONE', 'none');
	$id = new_definition();
	$node->safe_psql('postgres', get_run('kept', $id, 3));
	$node->safe_psql('postgres', "ALTER SERVER kept OPTIONS (SET cache_ttl '1ms')");
	$emulator->mutate('delete_definition', application => 'shop4x1', definition => $id);
	wait_until('the copy to be too old', sub { $node->safe_psql('postgres', get_run('kept', $id, 3)) eq '' });
	$node->safe_psql('postgres', "ALTER SERVER kept OPTIONS (SET cache_ttl '1h')");
	shows(undef, 'what is gone', get_run('kept', $id, 3), '', 'GetExperimentRun 1');
};

subtest 'temporary keys' => sub {
	my $id = new_definition();
	my $sql = list_runs('role', $id);

	$node->safe_psql('postgres', "ALTER SERVER role OPTIONS (ADD cache_ttl '1h')");
	shows(undef, 'a session', $sql, $before, "AssumeRole 1, $all");
	shows(undef, 'another learns who it is first', $sql, $before, 'AssumeRole 1');

	$emulator->faults({ kind => 'hang', operation => 'AssumeRole' });
	is(open_session($node)->failure("SET statement_timeout = '300ms'; $sql"), '57014', 'and can be ended while it waits for that');
	$emulator->reset;
};

# ---------------------------------------------------------------------
# shared_cache_size
# ---------------------------------------------------------------------

subtest 'shared_cache_size is a superuser\'s' => sub {
	my $session = open_session($node);

	is($session->query("LOAD 'appconfig_fdw'; SHOW appconfig_fdw.shared_cache_size"), '64MB', 'the default');
	is($session->failure("CREATE ROLE cho; SET ROLE cho; SET appconfig_fdw.shared_cache_size = '1GB'"), '42501', 'nobody else sets it');
};

subtest '0 shares nothing' => sub {
	my $id = new_definition();
	my $alone = "SET appconfig_fdw.shared_cache_size = 0;\n";

	shows(undef, "a session without, time $_", $alone . list_runs('frozen', $id), $before, $all) foreach (1, 2);
	shows(undef, 'another with', list_runs('frozen', $id), $before, $all);
	shows(undef, '... has kept it', list_runs('frozen', $id), $before, $running);
	shows(undef, '... but not for one without', $alone . list_runs('frozen', $id), $before, $all);
	shows(undef, 'cache_ttl', $alone . list_runs('kept', $id), $before, $all) foreach (1, 2);
};

subtest 'the least recently used go first, and the memory is bounded' => sub {
	my $id = new_definition();
	my $limit = 1024 * 1024;
	my $sized = "SET appconfig_fdw.shared_cache_size = '1MB';\n";
	my %run = (document_of($id, 1), EndedAt => '2026-11-11T11:11:11Z');
	my $one = sub { "${sized}SELECT description IS NULL FROM frozen.experiment_runs WHERE " . where($id) . " AND treatment_overrides IS NULL AND abs(run) = $_[0]" };

	delete $run{TreatmentOverrides};
	put_run(%run, Run => $_, Description => 'd' x 50_000) foreach (1 .. 30);
	# what is there before is more than that
	cmp_ok(segment_bytes() - $others_bytes, '>', $limit, 'the larger limit has been used');
	shows(undef, 'run 1', $one->(1), 'f', $running);
	cmp_ok(segment_bytes() - $others_bytes, '<=', $limit, 'a smaller one gives memory back');
	foreach my $run (2 .. 30)
	{
		shows(undef, "run $run", $one->($run), 'f', $running);
		shows(undef, '... and run 1', $one->(1), 'f', $list);
		cmp_ok(segment_bytes() - $others_bytes, '<=', $limit, '... within the limit') if $run % 10 == 0;
	}
	shows(undef, 'one that was used long ago', $one->(2), 'f', $running);
	put_run(%run, Run => 31, Description => 'd' x 200_000);
	shows(undef, "what is too large, time $_", $one->(31), 'f', $running) foreach (1, 2);
	shows(undef, '... drives nothing out', $one->(1), 'f', $list);
};

# ---------------------------------------------------------------------
# What happens to backends
# ---------------------------------------------------------------------

subtest 'a backend that ends' => sub {
	my $id = new_definition();

	shows(undef, 'a session', list_runs('frozen', $id), $before, $all);
	$emulator->faults({ kind => 'hang', path => 'experimentruns/3$' });
	my $victim = start_session($node, 'victim', list_runs('frozen', $id));
	wait_until('a call', sub { victim_waits($node) });
	terminate_victim($node);
	$victim->finish;
	$emulator->faults();
	shows(undef, 'takes nothing with it', list_runs('frozen', $id), $before, $running);
};

subtest 'a crash' => sub {
	my $id = new_definition();
	my $session = open_session($node);

	shows(undef, 'a session', list_runs('frozen', $id), $before, $all);
	my $pid = $session->query('SELECT pg_backend_pid()');
	kill 'KILL', $pid;
	wait_until('the server to be up again', sub { slurp_file($node->logfile) =~ /all server processes terminated.*ready to accept connections/s });
	shows(undef, 'begins with new memory', list_runs('frozen', $id), $before, $all);
	shows(undef, '... that is shared', list_runs('frozen', $id), $before, $running);
};

subtest 'no shared memory' => sub {
	my $id = new_definition();
	my $mark = PostgreSQL::Test::Utils::tempdir() . '/full';
	my $usual = $node;
	my $sql = list_runs('frozen', $id);

	{
		local $ENV{LD_PRELOAD} = build_preload('full_memory');
		local $ENV{FULL_MEMORY_MARK} = $mark;
		$node = new_node('full', 'dynamic_shared_memory_type = posix');
	}
	create_server($node, 'frozen', $url, %fast);
	$node->safe_psql('postgres', 'SET appconfig_fdw.shared_cache_size = 0; SELECT run FROM frozen.experiment_runs LIMIT 1');
	$node->safe_psql('postgres', "SET appconfig_fdw.shared_cache_size = '1MB'; $sql");
	append_to_file($mark, '');
	# there is an extent, so that copies are found and others go, and no more are to be had
	shows(undef, 'a query that needs more, with what there is', $sql, $before, $running);
	my %run = (document_of($id, 1), EndedAt => '2026-11-11T11:11:11Z');
	put_run(%run, Run => $_, Description => 'd' x 50_000) foreach (4 .. 6);
	shows(undef, 'more than there is room for', "SELECT count(exposure_percentage) FROM frozen.experiment_runs WHERE " . where($id), '6',
		"GetExperimentRun 4, $list");
	my $log = slurp_file($node->logfile);
	like($log, qr/LOG:  sessions cannot share what they know of AWS AppConfig: could not resize shared memory segment/, 'the log tells it');
	unlike($log, qr/ERROR|PANIC|TRAP/, '... and no error');
	$node->stop;
	{
		local $ENV{LD_PRELOAD} = build_preload('full_memory');
		local $ENV{FULL_MEMORY_MARK} = $mark;
		unlink $mark;
		$node->start;
	}
	$node->safe_psql('postgres', 'SET appconfig_fdw.shared_cache_size = 0; SELECT run FROM frozen.experiment_runs LIMIT 1');
	append_to_file($mark, '');
	shows(undef, "not even for the beginning, time $_", $sql, '1 DONE 1, 2 DONE 2, 3 RUNNING 3, 4 DONE 1, 5 DONE 1, 6 DONE 1', "GetExperimentRun 6, $list")
	  foreach (1, 2);
	unlike(slurp_file($node->logfile), qr/ERROR|PANIC|TRAP/, '... and no error');
	$node->stop;
	$node = $usual;
};

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|leak|segment .* still referenced/, 'no backend failed or leaked');
my @killed = $log =~ /was terminated by signal (\d+)/g;
is("@killed", '9', '... and one was killed');

done_testing();
