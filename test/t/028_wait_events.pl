# What pg_stat_activity says of a query that waits: for an answer, for the rate limits, to try again, or for
# credentials.  Each wait is one that only a cancellation ends.
#
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
my $node = new_node('wait_events');
my $a_run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my %unhurried = (max_get_rate => 0, max_list_rate => 0, request_timeout => '1h');

create_server($node, 'remote', $emulator->url, %unhurried);
create_server($node, 'slow', $emulator->url, %unhurried, max_get_rate => '0.0001');
create_server($node, 'persistent', $emulator->url, %unhurried, max_attempts => 20);
create_server($node, 'role', $emulator->url, %unhurried, sts_endpoint => $emulator->url,
	role_arn => 'arn:aws:iam::111122223333:role/ReportReader');

sub get
{
	my ($server, $runs) = @_;

	return "SELECT count(exposure_percentage) FROM $server.experiment_runs WHERE " . ($runs // $a_run) . ';';
}

# check_event(EVENT, WHAT, SQL, CONDITION): a query that waits shows it, once the condition holds, until it is cancelled
sub check_event
{
	my ($event, $what, $sql, $condition) = @_;
	my $session = start_session($node, 'victim', $sql);

	wait_until('what goes before', $condition) if $condition;
	wait_until($event, sub {
		return $node->safe_psql('postgres', q{
			SELECT wait_event_type || ' ' || wait_event FROM pg_stat_activity
			WHERE application_name = 'victim' AND state = 'active'}) eq "Extension $event";
	});
	pass($what);
	cancel_victim($node);
	is(sqlstate_of(($session->finish)[1]), '57014', '... and was waiting');
	$emulator->ctl('nofaults');
	$emulator->clear;
}

$emulator->ctl('fault', 'hang', '--operation', 'GetExperimentRun');
check_event('AppConfigCall', 'an answer that does not come', get('remote'));

# one call is all that this rate allows for hours
check_event('AppConfigRateLimit', 'our own limit', get('slow') . get('slow'));

$emulator->ctl('fault', 'hang', '--operation', 'GetExperimentRun');
check_event('AppConfigRateLimit', '... also while another call is under way',
	get('slow', "application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2)"));

$emulator->ctl('fault', 'throttle', '--operation', 'GetExperimentRun');
check_event('AppConfigRateLimit', "the service's limit", get('persistent'));

$emulator->ctl('fault', 'error500', '--operation', 'GetExperimentRun');
check_event('AppConfigRetry', 'a call that is to be tried again', get('persistent'));

$emulator->ctl('fault', 'hang', '--path', 'experimentruns/1$');
$emulator->ctl('fault', 'error500', '--path', 'experimentruns/2$');
check_event(
	'AppConfigCall', '... but not while another one is under way',
	get('persistent', "application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1' AND run IN (1, 2)"),
	sub { ($emulator->stats->{operations}{GetExperimentRun} // 0) > 3 });

$emulator->ctl('fault', 'hang', '--operation', 'AssumeRole');
check_event('AppConfigCredentials', 'a role that is assumed', get('role'));
$emulator->ctl('fault', 'hang', '--operation', 'AssumeRole');
check_event('AppConfigCredentials', '... also by whoami', "SELECT * FROM appconfig_fdw_whoami('role')");

done_testing();
