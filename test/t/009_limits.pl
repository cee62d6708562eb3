# A service that keeps to its limits: what is throttled is asked again, and the answer is whole, however many sessions
# there are.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Utils;
use Test::More;

# a List in four seconds, so that the second of two in a row comes too early
my $emulator = start_emulator('--limits', '1000,0.25');
my $node = new_node('limits');

create_server($node, 'remote', $emulator->url, max_get_rate => 0, max_list_rate => 0, max_attempts => 1);

my $session = open_session($node);
my $count = 'SELECT count(*) FROM remote.applications';
my $first = $session->query($count);

is($session->query($count), $first, 'a throttled query answers as any other');

my $throttled = $emulator->stats->{throttled};

cmp_ok($throttled, '>', 0, '... after it was throttled');
is($session->query("SELECT throttles FROM appconfig_fdw_stats() WHERE operation = 'ListApplications'"),
	$throttled, '... which is counted');

# its Gets have a bucket of their own
$emulator->clear;
$session->query(q{
	SELECT exposure_percentage FROM remote.experiment_runs
	WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1});
is($emulator->stats->{throttled}, 0, 'a Get is not held up by Lists');

# and one in three hours
my $strict = start_emulator('--limits', '1000,0.0001');

create_server($node, 'strict', $strict->url, max_get_rate => 0, max_list_rate => 0, throttle_timeout => 0);
$session->query('SELECT count(*) FROM strict.applications');
is($session->failure('SELECT count(*) FROM strict.applications'), '53400', 'without a time-out a throttle is an error');
is($strict->stats->{throttled}, 1, '... at once');

$session->query("ALTER SERVER strict OPTIONS (SET throttle_timeout '700ms', SET max_list_rate '10', ADD max_attempts '1')");
is($session->failure('SELECT count(*) FROM strict.applications'), '53400', 'with one it is an error when that has passed');
cmp_ok($strict->stats->{throttled}, '>', 3, '... after several tries, whatever max_attempts is');
is($session->failure("SET statement_timeout = '300ms'; SELECT count(*) FROM strict.applications"), '57014',
	'a statement has its own time-out');
$session->query('RESET statement_timeout');

# A session slows down, whoever's the calls are that use up the limit, and speeds up again: there is one List in ten
# milliseconds, not in a tenth of a second
my $account = start_emulator('--limits', '1000,100');

create_server($node, 'account', $account->url, max_get_rate => 1000, max_list_rate => 100);

# a dashboard is opened: all panels at once, each with a new connection
my $panel = PostgreSQL::Test::Utils::tempdir() . '/panel.sql';
my %whole = map { $_ => $session->query("SELECT count(*) FROM account.$_") } qw(treatments experiment_runs environments);

append_to_file($panel, join('', map { "SELECT 1 / (count(*) = $whole{$_})::int FROM account.$_;\n" } sort keys %whole));
foreach my $clients (12, 20)
{
	$account->clear;
	command_ok([ 'pgbench', '--no-vacuum', '--client', $clients, '--transactions', 1, '--file', $panel,
			'--port', $node->port, '--host', $node->host, 'postgres' ],
		"$clients clients that begin together get all rows");
	my $stats = $account->stats;

	cmp_ok($stats->{throttled}, '<=', $stats->{requests} / 3, "... and few of $stats->{requests} requests are throttled");
}

done_testing();
