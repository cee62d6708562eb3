# A query ends when it is cancelled, when its time is over and when its backend is
# terminated, wherever in a call it is waiting.  How fast is reported, and only a
# very slow reaction fails: timings are for benchmarks.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

# ---------------------------------------------------------------------
# The places to wait in
# ---------------------------------------------------------------------

# a name server that does not answer
my $mark = PostgreSQL::Test::Utils::tempdir() . '/getaddrinfo';
my $shim = build_preload('slow_getaddrinfo');

my $deaf = open_deaf_port();
my $emulator = start_emulator();
my $node;
{
	local $ENV{LD_PRELOAD} = $shim;
	local $ENV{SLOW_GETADDRINFO_MARK} = $mark;
	$node = new_node('cancel', 'log_min_messages = log');
}
my %patient = (connect_timeout => '1h', request_timeout => '1h', max_attempts => 10);
create_server($node, 'emulated', $emulator->url, %patient);
create_server($node, 'slow_dns', 'https://slow.invalid', %patient);
create_server($node, 'deaf', $deaf->url, %patient);
my $proxy = start_proxy();
$proxy->fault('hang');
create_server($node, 'proxied', 'https://appconfig.example', %patient, proxy => $proxy->url);

# More than LLVM compiles in good time, which must not be tried: it hears nobody
my $arms = join(' OR ', map { "(application_name = 'storefront' AND experiment_definition_name = 'add-to-cart-button' AND run = $_)" } 1 .. 2001);

my @places = (
	{
		name => 'the first of 2 001 combinations',
		server => 'emulated',
		run => $arms,
		# a list shows which exist, and the first of these is a row, which the clause is evaluated for
		column => 'exposure_percentage',
		fault => [ 'hang', '--operation', 'GetExperimentRun', '--path', 'experimentruns/[2-6]$' ],
		reached => sub { $emulator->stats->{in_flight} > 0 },
	},
	{
		name => 'an answer that never comes',
		server => 'emulated',
		fault => [ 'hang', '--operation', 'GetExperimentRun' ],
		reached => sub { $emulator->stats->{in_flight} == 1 },
	},
	{
		name => 'a body that drips',
		server => 'emulated',
		fault => [ 'drip', '--operation', 'GetExperimentRun', '--ms', '1000' ],
		reached => sub { $emulator->stats->{in_flight} == 1 },
	},
	{
		name => 'a pause before a retry',
		server => 'emulated',
		fault => [ 'throttle', '--operation', 'GetExperimentRun', '--header', 'Retry-After: 3600' ],
		reached => sub {
			my $stats = $emulator->stats;
			return $stats->{requests} >= 1 && $stats->{in_flight} == 0;
		},
	},
	{
		name => 'a name server that does not answer',
		server => 'slow_dns',
		reached => sub { -e $mark },
	},
	{
		name => 'a connection that is not accepted',
		server => 'deaf',
		reached => sub { $deaf->is_tried },
	},
	{
		name => 'a tunnel that a proxy does not make',
		server => 'proxied',
		reached => sub { $proxy->log =~ /CONNECT appconfig\.example:443 hang/ },
	});

# ---------------------------------------------------------------------
# The ways to end it
# ---------------------------------------------------------------------

sub begin
{
	my ($place) = @_;

	unlink $mark;
	$emulator->reset;
	$emulator->ctl('fault', @{ $place->{fault} }) if $place->{fault};
}

sub reach
{
	my ($place) = @_;

	wait_until($place->{name}, sub { victim_waits($node) && $place->{reached}->() });
}

# A session that waits in a place, and then shows that it is as good as before
sub victim
{
	my ($place, $before) = @_;
	my $where = $place->{run} // $run;
	my $column = $place->{column} // 'status';

	return start_session($node, 'victim', qq{
		$before
		SELECT extract(epoch FROM clock_timestamp()) * 1000;
		SELECT $column FROM $place->{server}.experiment_runs WHERE $where;
		SELECT extract(epoch FROM clock_timestamp()) * 1000;
		SELECT application_name FROM emulated.applications WHERE application_id = '339ohji';
	});
}

sub check_survivor
{
	my ($what, $out, $err) = @_;
	my @lines = split /\n/, $out;

	is(sqlstate_of($err), '57014', "$what: SQLSTATE");
	is($lines[2], 'test-application', "$what: the session goes on");
	return @lines;
}

foreach my $place (@places)
{
	my $what = "cancel in $place->{name}";

	begin($place);
	my $session = victim($place, '');
	reach($place);
	my $asked = cancel_victim($node);
	my @lines = check_survivor($what, $session->finish);
	check_reaction($lines[1] - $asked, $what);
}

foreach my $place (@places)
{
	my $what = "statement_timeout in $place->{name}";
	my $timeout = 700;

	begin($place);
	my $session = victim($place, "SET statement_timeout = $timeout;");
	reach($place);
	my @lines = check_survivor($what, $session->finish);
	check_reaction($lines[1] - $lines[0] - $timeout, $what);
}

foreach my $place (@places)
{
	my $what = "terminate in $place->{name}";

	begin($place);
	my $session = victim($place, '');
	reach($place);
	my $took = terminate_victim($node);
	my ($out, $err) = $session->finish;

	is(sqlstate_of($err), '57P01', "$what: SQLSTATE");
	check_reaction($took, $what);
}

# the client goes away, and with it the server's interest
begin($places[1]);
my $orphan = victim($places[1], "SET client_connection_check_interval = '100ms';");
reach($places[1]);
$orphan->{run}->kill_kill;
ok($node->poll_query_until('postgres',
		q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'victim'}),
	'a client that is gone ends its query');

# a fast shutdown does not wait for an answer
begin($places[1]);
my $session = victim($places[1], '');
reach($places[1]);
$node->stop('fast');
my (undef, $err) = $session->finish;
is(sqlstate_of($err), '57P01', 'fast shutdown ends a query that waits');
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
