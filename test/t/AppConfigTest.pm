# What the TAP tests share: emulators, clusters with the extension, sessions that
# hang, and waiting for a condition without sleeping.
#
# Needs the Perl modules of PostgreSQL 15 or newer.

package AppConfigTest;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(add_environment postgres_version shares_nothing new_node create_server start_emulator start_proxy wait_until start_session open_session
  where list_runs get_run kill_victim sqlstate_of build_calling build_preload make_own_authority open_deaf_port victim_waits cancel_victim terminate_victim
  check_reaction $log_everything $access_key $secret_key);

our $access_key = 'AKIDEXAMPLE';
our $secret_key = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';

my $python = $ENV{PYTHON} || '/usr/bin/python3';
my $emulator_dir = "$FindBin::RealBin/../emulator";

# wait_until(WHAT, CONDITION): dies if the condition does not come true in time
sub wait_until
{
	my ($what, $condition) = @_;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	my $result;

	until ($result = $condition->())
	{
		die "timed out waiting for: $what" if time > $until;
		usleep(10_000);
	}
	return $result;
}

# The major version of the server
sub postgres_version
{
	my ($version) = run_command([ $ENV{PG_CONFIG} || 'pg_config', '--version' ]);

	return ($version =~ /(\d+)/)[0];
}

# Settings by which sessions share nothing, for what a test counts of each alone
sub shares_nothing
{
	return postgres_version() >= 17 ? ('appconfig_fdw.shared_cache_size = 0') : ();
}

# A running cluster that has the extension; SETTINGS go into postgresql.conf
sub new_node
{
	my ($name, @settings) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	# whatever the environment says
	$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
	$node->append_conf('postgresql.conf', join("\n", @settings) . "\n");
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION appconfig_fdw');
	return $node;
}

# The functions of environment.c in SQL, which change the session's backend or look into it
sub add_environment
{
	my ($node) = @_;
	my $library = PostgreSQL::Test::Utils::tempdir() . '/environment.so';
	my ($include) = run_command([ $ENV{PG_CONFIG} || 'pg_config', '--includedir-server' ]);

	system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', "-I$include", '-o', $library,
		"$FindBin::RealBin/environment.c");
	$node->safe_psql('postgres', qq{
		CREATE FUNCTION set_environment(text, text) RETURNS void AS '$library' LANGUAGE C;
		CREATE FUNCTION count_in_memory(bytea) RETURNS int AS '$library' LANGUAGE C;
		CREATE FUNCTION take_descriptors() RETURNS int AS '$library' LANGUAGE C;
		CREATE FUNCTION return_descriptors(int) RETURNS void AS '$library' LANGUAGE C;
		CREATE FUNCTION make_segment(text) RETURNS bool AS '$library' LANGUAGE C});
}

# create_server(NODE, NAME, ENDPOINT, OPTION => VALUE, ...): a server, a mapping for
# the superuser, and a schema of the server's name with all tables
sub create_server
{
	my ($node, $name, $endpoint, %options) = @_;
	my $list = join(', ', map { "$_ '$options{$_}'" } sort keys %options);

	$list = ", $list" if $list ne '';
	$node->safe_psql('postgres', qq{
		CREATE SERVER $name FOREIGN DATA WRAPPER appconfig_fdw
			OPTIONS (region 'us-east-1', endpoint '$endpoint'$list);
		CREATE USER MAPPING FOR CURRENT_USER SERVER $name
			OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
		CREATE SCHEMA $name;
		IMPORT FOREIGN SCHEMA appconfig FROM SERVER $name INTO $name;
	});
}

# build_preload(NAME): the library of NAME.c, for LD_PRELOAD; its path
sub build_preload
{
	my ($name) = @_;
	my $library = PostgreSQL::Test::Utils::tempdir() . "/$name.so";

	system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-O1', '-o', $library, "$FindBin::RealBin/$name.c", '-ldl');
	return $library;
}

# make_own_authority(HOST, ...): a certificate for these hosts that is its own authority, and its key; their paths
sub make_own_authority
{
	my @hosts = @_;
	my @paths = map { PostgreSQL::Test::Utils::tempdir() . "/own.$_" } qw(pem key);

	run_log([
		qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=own),
		'-addext', 'subjectAltName=' . join(',', map { "DNS:$_" } @hosts), '-out', $paths[0], '-keyout', $paths[1]
	]) or die 'there is no certificate';
	return @paths;
}

# The library of calling.c, with the extension's objects in it; its path
sub build_calling
{
	my $source = "$FindBin::RealBin/../../src";
	my $library = PostgreSQL::Test::Utils::tempdir() . '/calling.so';
	my ($include) = run_command([ $ENV{PG_CONFIG} || 'pg_config', '--includedir-server' ]);

	system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', "-I$source", "-I$include", '-o',
		$library, "$FindBin::RealBin/calling.c", glob("$source/*.o"), '-lcurl', '-lssl', '-lcrypto');
	return $library;
}

# All that a server can be made to log of queries, as settings; auto_explain has to be loaded
our $log_everything = q{
log_min_messages = debug5
log_error_verbosity = verbose
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
log_executor_stats = on
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
appconfig_fdw.log_calls = on
};

# A port whose queue is full: its system does not answer another connection
sub open_deaf_port
{
	my $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "cannot listen: $!";
	my $self = bless { socket => $socket, port => $socket->sockport }, 'AppConfigTest::DeafPort';

	listen($socket, 0);
	push @{ $self->{queue} }, IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Blocking => 0)
	  for 1 .. 8;
	return $self;
}

# Whether the session that is called "victim" waits, whatever for; 17 has names for that
sub victim_waits
{
	my ($node) = @_;

	return $node->safe_psql('postgres', qq{
		SELECT count(*) FROM pg_stat_activity
		WHERE application_name = 'victim' AND state = 'active' AND wait_event_type = 'Extension'}) == 1;
}

# Cancels what it does; the server's time at which it was asked to, in milliseconds
sub cancel_victim
{
	my ($node) = @_;
	my ($asked) = split /\n/, $node->safe_psql('postgres', q{
		SELECT extract(epoch FROM clock_timestamp()) * 1000;
		SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'});

	return $asked;
}

# Ends it; how long that has taken, in milliseconds
sub terminate_victim
{
	my ($node) = @_;
	my ($asked, $done) = split /\n/, $node->safe_psql('postgres', q{
		SET statement_timeout = '60s';
		SELECT extract(epoch FROM clock_timestamp()) * 1000;
		DO $$
		DECLARE
			victim int := (SELECT pid FROM pg_stat_activity WHERE application_name = 'victim');
		BEGIN
			PERFORM pg_terminate_backend(victim);
			WHILE EXISTS (SELECT FROM pg_stat_activity WHERE pid = victim) LOOP
				PERFORM pg_stat_clear_snapshot();
			END LOOP;
		END
		$$;
		SELECT extract(epoch FROM clock_timestamp()) * 1000;});

	return $done - $asked;
}

# check_reaction(MILLISECONDS, WHAT): tells them; the limit is for a session that hangs, not for speed
sub check_reaction
{
	my ($milliseconds, $what) = @_;

	note sprintf('%s: %.1f ms', $what, $milliseconds);
	cmp_ok($milliseconds, '<', 5000, "$what: soon");
}

# The keys of a definition of the application shop4x1, as a condition
sub where
{
	my ($definition) = @_;

	return "application_id = 'shop4x1' AND experiment_definition_id = '$definition'";
}

# A query of all its runs with their documents
sub list_runs
{
	my ($server, $definition) = @_;

	return "SELECT string_agg(concat_ws(' ', run, status, exposure_percentage), ', ' ORDER BY run) FROM $server.experiment_runs WHERE "
	  . where($definition);
}

# A query of one of them by its keys
sub get_run
{
	my ($server, $definition, $run) = @_;

	return "SELECT exposure_percentage FROM $server.experiment_runs WHERE " . where($definition) . " AND run = $run";
}

# kill_victim(NODE, EMULATOR, SQL): a session is killed, as the system kills, while it waits for a call; the server has
# started again after that
sub kill_victim
{
	my ($node, $emulator, $sql) = @_;

	$emulator->faults({ kind => 'hang' });
	my $victim = start_session($node, 'victim', $sql);
	wait_until('the call', sub { victim_waits($node) });
	my $pid = $node->safe_psql('postgres', q{SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'});

	is(PostgreSQL::Test::Utils::system_log('pg_ctl', 'kill', 'KILL', $pid), 0, 'a backend is killed in the midst of a call');
	$victim->finish;
	$emulator->reset;
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server has not started again';
}

# The SQLSTATE that psql told with VERBOSITY sqlstate or verbose
sub sqlstate_of
{
	my ($stderr) = @_;

	return $stderr =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5})\b/ ? $1 : "none: $stderr";
}

my $started = 0;

# start_session(NODE, APPLICATION_NAME, SQL): psql in the background; its finish method
# waits for it to end, and has to be called.  SQLSTATEs come instead of messages.
sub start_session
{
	my ($node, $name, $sql) = @_;
	my $self = { stdout => '', stderr => '' };
	my $file = PostgreSQL::Test::Utils::tempdir() . '/session' . ++$started . '.sql';

	append_to_file($file, $sql);

	$self->{timer} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	$self->{run} = IPC::Run::start(
		[
			'psql', '-XAtq', '-d', $node->connstr('postgres') . " application_name=$name",
			'-v', 'VERBOSITY=sqlstate', '-v', 'ON_ERROR_STOP=0', '-f', $file
		],
		'<', \undef, '>', \$self->{stdout}, '2>', \$self->{stderr}, $self->{timer});
	return bless $self, 'AppConfigTest::Session';
}

# open_session(NODE): psql in the background that takes one statement after the other, so that
# the test can do something between two of them
sub open_session
{
	my ($node) = @_;
	my $self = bless { stdin => '', stdout => '', stderr => '', count => 0 }, 'AppConfigTest::OpenSession';

	$self->{timer} = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
	$self->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-v', 'VERBOSITY=verbose', '-f', '-' ],
		'<', \$self->{stdin}, '>', \$self->{stdout}, '2>', \$self->{stderr}, $self->{timer});
	return $self;
}

# An emulator of its own for the test; it ends with it
sub start_emulator
{
	my @arguments = @_;
	my $ready = PostgreSQL::Test::Utils::tempdir() . '/ready';
	my $self = bless { log => '' }, 'AppConfigTest::Emulator';

	$self->{run} = IPC::Run::start(
		[
			$python, "$emulator_dir/emulator.py", '--ready-file', $ready, '--parent-pid', $$,
			(grep { $_ eq '--data' } @arguments) ? () : ('--data', 'standard'), @arguments
		],
		'<', \undef, '>', \$self->{log}, '2>&1');
	wait_until('the emulator', sub {
		die "the emulator did not start: $self->{log}" unless $self->{run}->pumpable;
		$self->{run}->pump_nb;
		return -s $ready;
	});
	$self->{url} = slurp_file($ready);
	chomp $self->{url};
	return $self;
}

# A proxy of its own for the test (proxy.py); it ends with it
sub start_proxy
{
	my @arguments = @_;
	my $ready = PostgreSQL::Test::Utils::tempdir() . '/ready';
	my $self = bless { log => '' }, 'AppConfigTest::Proxy';

	$self->{run} = IPC::Run::start([ $python, "$FindBin::RealBin/proxy.py", $ready, @arguments ],
		'<', \undef, '>', \$self->{log}, '2>&1');
	wait_until('the proxy', sub {
		die "the proxy did not start: $self->{log}" unless $self->{run}->pumpable;
		$self->{run}->pump_nb;
		return -s $ready;
	});
	$self->{url} = slurp_file($ready);
	return $self;
}

package AppConfigTest::DeafPort;

use strict;
use warnings;

sub url { return "http://127.0.0.1:$_[0]->{port}"; }

# Is anybody connecting to it, beside those who fill its queue?
sub is_tried
{
	my ($self) = @_;
	my $port = sprintf('%04X', $self->{port});
	my %own = map { sprintf('%04X', $_->sockport) => 1 } grep { defined } @{ $self->{queue} };

	foreach my $line (split /\n/, PostgreSQL::Test::Utils::slurp_file('/proc/net/tcp'))
	{
		return 1 if $line =~ /^\s*\d+: 0100007F:([0-9A-F]{4}) 0100007F:$port 02 / && !$own{$1};
	}
	return 0;
}

package AppConfigTest::Session;

use strict;
use warnings;

# Waits for the session to end: (standard output, standard error)
sub finish
{
	my ($self) = @_;

	# psql's exit code tells of a lost connection, which is expected here
	$self->{run}->finish;
	chomp $self->{stdout};
	return ($self->{stdout}, $self->{stderr});
}

package AppConfigTest::OpenSession;

use strict;
use warnings;

# Executes SQL: (standard output, standard error)
sub run
{
	my ($self, $sql) = @_;
	my $mark = 'done ' . ++$self->{count};

	$self->{timer}->start($PostgreSQL::Test::Utils::timeout_default);
	$self->{stdout} = $self->{stderr} = '';
	$self->{stdin} .= "$sql\n;\n\\echo $mark\n\\warn $mark\n";
	# with the line's end, which can come later than its text
	until ($self->{stdout} =~ /^\Q$mark\E\n/m && $self->{stderr} =~ /^\Q$mark\E\n/m)
	{
		die "the session has ended: $self->{stderr}" unless $self->{run}->pumpable;
		$self->{run}->pump;
	}
	return map { s/^\Q$mark\E\n//mr =~ s/\n\z//r } $self->{stdout}, $self->{stderr};
}

# Executes SQL that must not fail; what it prints
sub query
{
	my ($self, $sql) = @_;
	my ($out, $err) = $self->run($sql);

	if ($err =~ /ERROR|FATAL|PANIC/)
	{
		# a subtest would lose the message
		Test::More::diag("$sql: $err");
		die 'an unexpected error';
	}
	return $out;
}

# Executes SQL that has to fail; the SQLSTATE
sub failure
{
	my ($self, $sql) = @_;

	return AppConfigTest::sqlstate_of(($self->run($sql))[1]);
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $@);
	$self->{run}->kill_kill if $self->{run};
}

package AppConfigTest::Emulator;

use strict;
use warnings;

sub url { return $_[0]->{url}; }

# ctl.py with these arguments; returns what it prints
sub ctl
{
	my ($self, @arguments) = @_;
	local $ENV{APPCONFIG_ENDPOINT} = $self->{url};
	my ($out, $err) = ('', '');

	IPC::Run::run([ $python, "$emulator_dir/ctl.py", @arguments ], '<', \undef, '>', \$out, '2>', \$err)
	  or die "ctl.py @arguments: $err";
	chomp $out;
	return $out;
}

# A control request (control.py), over plain HTTP; the answer
sub control
{
	my ($self, $method, $name, $document) = @_;
	my $http = $self->{http} //= HTTP::Tiny->new(no_proxy => ['127.0.0.1'], timeout => 10);
	my $answer = $http->request($method, "$self->{url}/_emulator/$name",
		defined $document ? { content => JSON::PP::encode_json($document) } : {});

	die "$method $name: $answer->{content}" unless $answer->{success};
	return JSON::PP->new->allow_nonref->decode($answer->{content});
}

# The emulator's counters
sub stats
{
	my ($self) = @_;

	return $self->control('GET', 'stats');
}

# Calls since the last clear, as "GetExperimentRun 3, ListExperimentRuns 1"
sub calls
{
	my ($self) = @_;
	my $operations = $self->stats->{operations};

	return join(', ', map { "$_ $operations->{$_}" } sort keys %$operations) || 'none';
}

sub clear
{
	my ($self) = @_;

	$self->control('DELETE', 'log');
}

# An action of control.py's Mutations
sub mutate
{
	my ($self, $action, %arguments) = @_;

	return $self->control('POST', 'mutate', { action => $action, %arguments });
}

# The rules in force from now on, each a hash
sub faults
{
	my ($self, @rules) = @_;

	$self->control('POST', 'faults', \@rules);
}

# Back to the beginning: no faults, nothing counted
sub reset
{
	my ($self) = @_;

	$self->ctl('nofaults');
	AppConfigTest::wait_until('no request in flight', sub { $self->stats->{in_flight} == 0 })
	  if $_[1];
	$self->ctl('clear');
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $@);
	$self->{run}->kill_kill if $self->{run};
}

package AppConfigTest::Proxy;

use strict;
use warnings;

sub url { return $_[0]->{url}; }

sub control
{
	my ($self, $path) = @_;
	my $http = $self->{http} //= HTTP::Tiny->new(no_proxy => ['127.0.0.1'], timeout => 10);
	my $answer = $http->get("$self->{url}/_proxy/$path");

	die "$path: $answer->{content}" unless $answer->{success};
	return $answer->{content};
}

# The requests since it was asked last, a line each
sub log { return $_[0]->control('log'); }

# How each CONNECT ends from now on
sub fault
{
	my ($self, $fault) = @_;

	$self->control("fault/$fault");
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $@);
	$self->{run}->kill_kill if $self->{run};
}

1;
