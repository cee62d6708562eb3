# All sessions that sign as the same identity keep to the account's limits together, and take turns.
#
# Suite: shared

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('account', shares_nothing());
my $account = start_emulator('--limits', '400,40');
my $read = "SELECT count(weight) FROM account.treatments";

create_server($node, 'account', $account->url, max_get_rate => 400, max_list_rate => 40);

# ---------------------------------------------------------------------
# 32 backends at once, which ask for far more than the limits allow in a second
# ---------------------------------------------------------------------

my $whole = $node->safe_psql('postgres', $read);
my $script = PostgreSQL::Test::Utils::tempdir() . '/read.sql';

append_to_file($script, "SELECT 1 / (count(weight) = $whole)::int FROM account.treatments;\n");
$account->clear;
command_ok([ 'pgbench', '--no-vacuum', '--client', 32, '--transactions', 1, '--file', $script,
		'--port', $node->port, '--host', $node->host, 'postgres' ], '32 backends get all rows');

my $stats = $account->stats;

cmp_ok($stats->{operations}{GetExperimentRun}, '>', 1200, "... by $stats->{requests} requests");
cmp_ok($stats->{throttled}, '<=', $stats->{requests} / 50, "... of which hardly one is throttled ($stats->{throttled})");

# ---------------------------------------------------------------------
# Turns
# ---------------------------------------------------------------------

# a session that has a hundred calls waiting, and one that has a single one
$node->safe_psql('postgres', 'ALTER SERVER account OPTIONS (SET max_get_rate \'20\')');
$account->clear;
my $long = start_session($node, 'victim', "$read;");
wait_until('the long query', sub { ($account->stats->{operations}{GetExperimentRun} // 0) > 10 });
my $short = open_session($node);
is($short->query("SELECT exposure_percentage FROM account.experiment_runs
		WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1"), 50,
	'a session with a single call gets its turn');
cmp_ok($account->stats->{operations}{GetExperimentRun}, '<', 100, '... long before another one has done all of its own');

# one that is ended in the midst of it takes nothing with it
terminate_victim($node);
like(($long->finish)[1], qr/57P01/, 'a session is ended while it waits');
$node->safe_psql('postgres', "ALTER SERVER account OPTIONS (SET max_get_rate '0')");
is($short->query($read), $whole, 'and leaves the others their turns');

done_testing();
