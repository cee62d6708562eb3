# A service that keeps to its limits: what is throttled is asked again, and the answer is whole.

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

create_server($node, 'remote', $emulator->url, max_get_rate => 0, max_list_rate => 0, max_attempts => 20);

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

create_server($node, 'strict', $strict->url, max_get_rate => 0, max_list_rate => 0, max_attempts => 1);
$session->query('SELECT count(*) FROM strict.applications');
is($session->failure('SELECT count(*) FROM strict.applications'), '53400', 'what is throttled for good is an error');

done_testing();
