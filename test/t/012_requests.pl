# Requests that no table makes so far, through a function that is linked with the extension's objects:
# other methods, bodies, and what both have to do with signatures, retries and messages.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $library = build_calling();
my $emulator = start_emulator();
my $node = new_node('requests');
create_server($node, 'plain', $emulator->url);
$node->safe_psql('postgres', "CREATE FUNCTION call_service(text, text, text, text) RETURNS text AS '$library' LANGUAGE C");

# call_service(METHOD, PATH, BODY): what a new session prints, and its messages
sub call_service
{
	my ($method, $path, $body) = @_;
	my $text = defined $body ? "'$body'" : 'NULL';
	my ($status, $out, $err) = $node->psql('postgres',
		"SELECT call_service('plain', '$method', '$path', $text)");

	return ($out, $err);
}

# The requests since the last reset, as the emulator has received them
sub received
{
	return map { JSON::PP::decode_json($_) } split /\n/, $emulator->ctl('log');
}

my ($out, $err) = call_service('GET', '/applications', undef);
like($out, qr/^\{.*"Items"/, 'a GET');
is($err, '', '... without a word');

# The service knows no such operation, but says so only where the signature is right; the emulator
# computes it over the method and the body that have arrived.
foreach my $case (
	[ 'POST', 'Action=AssumeRole&RoleSessionName=a%20b' ],
	[ 'POST', 'x' x 100_000 ],
	[ 'POST', '' ],
	[ 'POST', undef ],
	[ 'PUT', undef ],
	[ 'PUT', 'text' ])
{
	my ($method, $body) = @$case;
	my $what = $method . (defined $body ? ' of ' . length($body) . ' bytes' : ' without a body');

	$emulator->reset;
	($out, $err) = call_service($method, '/roles', $body);
	like($err, qr{UnknownOperationException, HTTP status 404(?s:.*)CONTEXT:  $method /roles$}m, "$what: the answer, and the method");
	my ($entry, @others) = received();
	is(scalar @others, 0, '... after one request');
	is("$entry->{method} $entry->{target}", "$method /roles", '... of that method');
	is($entry->{body}, defined $body && $body ne '' ? $body : undef, '... with that body');
	unlike($err, qr/RoleSessionName/, '... which no message shows');
	is($entry->{content_type}, defined $body ? 'application/x-www-form-urlencoded' : undef, '... and its type');
	is($entry->{status}, 404, '... under the right signature');
}

$emulator->reset;
$emulator->ctl('fault', 'status', '--status', '500', '--times', '1');
($out, $err) = call_service('POST', '/roles', 'again=1');
like($err, qr/failed 2 times: UnknownOperationException/, 'a POST that has failed goes out again');
is(join(' ', map { "$_->{body} $_->{status}" } received()), 'again=1 500 again=1 404', '... with its body');

# Calls of two servers are waited for together: whichever answers first ends the wait, and what one of
# them waits for, a retry, is not forgotten for the other.
my $slow = start_emulator();
create_server($node, 'slow', $slow->url);
$node->safe_psql('postgres', "CREATE FUNCTION race(text, text) RETURNS text AS '$library' LANGUAGE C");
$slow->ctl('fault', 'latency', '--ms', '5000');
foreach my $order ("'plain', 'slow'", "'slow', 'plain'")
{
	$emulator->reset;
	is($node->safe_psql('postgres', "SELECT race($order)"), 'plain slow', "a wait for both of $order");
	# so late that libcurl's own timers have long been quiet
	$emulator->ctl('fault', 'status', '--status', '500', '--header', 'x-amz-retry-after: 2000', '--times', '1');
	is($node->safe_psql('postgres', "SELECT race($order)"), 'plain slow', '... and one in which the first answer is after a retry');
}

done_testing();
