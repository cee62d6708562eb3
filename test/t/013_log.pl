# appconfig_fdw.log_calls: one line of the server's log for each attempt of a call, for
# superusers to switch on.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $node = new_node('log');
my $unheard = 'http://127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port();
my %asking = (cache_size => 0, max_get_rate => 0, max_list_rate => 0, max_attempts => 2);

create_server($node, 'remote', $emulator->url, %asking);
create_server($node, 'unheard', $unheard, %asking);
$node->safe_psql('postgres', q{
	CREATE ROLE anybody;
	CREATE USER MAPPING FOR anybody SERVER remote
		OPTIONS (access_key_id 'ASIATEMPORARY', secret_access_key 'temporary-secret', session_token 'temporary-token');
	GRANT USAGE ON SCHEMA remote TO anybody;
	GRANT SELECT ON ALL TABLES IN SCHEMA remote TO anybody;
});

my $path = '/applications/339ohji/experimentdefinitions/bsxyd7k/experimentruns/1';
my $where = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $times = qr/waited \d+ ms(?: for a retry)?, took \d+ ms/;
my $on = 'SET appconfig_fdw.log_calls = on;';

sub look
{
	return "SELECT exposure_percentage FROM $_[0].experiment_runs WHERE $where";
}

# The lines that the statements have put into the log, and what the client saw
sub lines_of
{
	my ($sql) = @_;
	my $offset = -s $node->logfile;
	my ($out, $err);

	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0);
	my $log = substr(slurp_file($node->logfile), $offset);
	return ([ $log =~ /LOG:  AppConfig call: (.*)/g ], "$out\n$err", $log);
}

my ($lines, $output, $log) = lines_of(look('remote'));
is_deeply($lines, [], 'nothing is logged by default');

($lines, $output, $log) = lines_of("LOAD 'appconfig_fdw'; SET client_min_messages = log; $on " . look('remote'));
is(scalar @$lines, 1, 'one line for a call');
like($lines->[0], qr{^GetExperimentRun GET \Q$path\E, status 200, attempt 1, $times, [1-9]\d+ bytes, request ID [-0-9a-zA-Z]+$},
	'... that says all there is');
unlike($log, qr/STATEMENT|CONTEXT/, '... and repeats no statement');
unlike($output, qr/AppConfig call/, '... and is for no client');

my @hint = ('--times', '1', '--header', 'x-amz-retry-after: 60');

$emulator->ctl('fault', 'status', '--status', '429', '--code', 'ThrottlingException', @hint);
($lines) = lines_of("LOAD 'appconfig_fdw'; $on " . look('remote'));
is(scalar @$lines, 2, 'two lines for a call that took two attempts');
like($lines->[0], qr/ GET \Q$path\E, status 429 \(ThrottlingException\), attempt 1, $times, \d+ bytes, request ID /,
	'... the first says what AWS did');
like($lines->[1], qr/ GET \Q$path\E, status 200, attempt 2, waited \d\d+ ms for the rate limits, took \d+ ms, \d+ bytes, request ID /,
	'... the second is a success, and for what it has waited');
$emulator->ctl('nofaults');

$emulator->ctl('fault', 'status', '--status', '500', @hint);
($lines) = lines_of("LOAD 'appconfig_fdw'; $on " . look('remote'));
like($lines->[1], qr/, status 200, attempt 2, waited \d\d+ ms for a retry, took /, 'a retry says so, too');
$emulator->ctl('nofaults');

$emulator->ctl('fault', 'status', '--status', '200', '--body', '{"status": "well"}', '--times', '1');
($lines) = lines_of("LOAD 'appconfig_fdw'; $on " . look('remote'));
like($lines->[0], qr/, status 200 \(not an answer of the service\), attempt 1, /, 'a success that is none');
$emulator->ctl('nofaults');

$emulator->ctl('fault', 'reset', '--times', '1');
($lines) = lines_of("LOAD 'appconfig_fdw'; $on " . look('remote'));
like($lines->[0], qr/^GetExperimentRun GET \Q$path\E, connection lost, attempt 1, $times, \d+ bytes$/, 'a connection that ends');
$emulator->ctl('nofaults');

($lines, $output) = lines_of("LOAD 'appconfig_fdw'; $on " . look('unheard'));
like($output, qr/ERROR/, 'nobody listens');
is(scalar @$lines, 2, '... which was tried twice');
like($lines->[$_], qr/^GetExperimentRun GET \Q$path\E, not connected, attempt @{[ $_ + 1 ]}, $times, 0 bytes$/,
	'... and is logged without a status') foreach 0, 1;

($lines, $output) = lines_of("LOAD 'appconfig_fdw'; SET ROLE anybody; $on " . look('remote'));
like($output, qr/ERROR:  permission denied to set parameter "appconfig_fdw.log_calls"/, 'only a superuser may switch it on');
is_deeply($lines, [], '... so that nothing is logged');
($lines) = lines_of("LOAD 'appconfig_fdw'; $on SET ROLE anybody; " . look('remote'));
is(scalar @$lines, 1, '... but it is logged what others do, once it is');

done_testing();
