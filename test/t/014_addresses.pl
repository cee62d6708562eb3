# Where requests go, by the address that a name has when it is resolved: neither AppConfig nor anybody who
# says to be it is found on loopback or link-local, unless the endpoint option says so.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $hosts = "$dir/hosts";
my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my $refusal = qr/HV00N: .*could not trust.*\nDETAIL:.*the address is one that no request may go to/;
my ($include) = run_command([ $ENV{PG_CONFIG} || 'pg_config', '--includedir-server' ]);
my $source = "$FindBin::RealBin/../../src";

system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-O1', '-o', "$dir/given_getaddrinfo.so",
	"$FindBin::RealBin/given_getaddrinfo.c", '-ldl');
system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', "-I$source", "-I$include",
	'-o', "$dir/requesting.so", "$FindBin::RealBin/requesting.c", glob("$source/*.o"), '-lcurl', '-lssl', '-lcrypto');
my (undef, $failure) = run_command([
	'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
	'-subj', '/CN=test', '-addext', 'subjectAltName=DNS:named.invalid,DNS:localhost,IP:127.0.0.1',
	'-keyout', "$dir/key.pem", '-out', "$dir/cert.pem"
]);
die $failure if $?;

my $emulator = start_emulator('--tls-cert', "$dir/cert.pem", '--tls-key', "$dir/key.pem");
my ($port) = $emulator->url =~ /:(\d+)$/;
my $node;
{
	local $ENV{LD_PRELOAD} = "$dir/given_getaddrinfo.so";
	local $ENV{GIVEN_HOSTS} = $hosts;
	$node = new_node('addresses');
}

sub resolve
{
	my ($address) = @_;

	unlink $hosts;
	append_to_file($hosts, "named.invalid $address\n");
}

# ---------------------------------------------------------------------
# What the endpoint option says
# ---------------------------------------------------------------------

create_server($node, 'named', "https://named.invalid:$port", ca_bundle => "$dir/cert.pem", max_attempts => 1);
foreach my $address ('127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::1',
	'169.254.169.254', '169.254.170.2', '::ffff:169.254.169.254', 'fd00:ec2::254', 'fe80::1', '0.0.0.0')
{
	resolve($address);
	my (undef, undef, $err) = $node->psql('postgres', "SELECT status FROM named.experiment_runs WHERE $run",
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	like($err, $refusal, "a name with the address $address is refused");
}
is($emulator->ctl('connections'), 0, '... and nobody is asked');

foreach my $host ('localhost', '127.0.0.1')
{
	create_server($node, 'local', "https://$host:$port", ca_bundle => "$dir/cert.pem");
	is($node->safe_psql('postgres', "SELECT status FROM local.experiment_runs WHERE $run"), 'DONE', "https://$host is this host");
	$node->safe_psql('postgres', 'SET client_min_messages = warning; DROP SERVER local CASCADE; DROP SCHEMA local');
}

# ---------------------------------------------------------------------
# Policies (address.h), and connections that were made under another one
# ---------------------------------------------------------------------

my %policy = (service => 0, loopback => 1, metadata => 2, any => 3);
my $session = open_session($node);

$session->query("CREATE FUNCTION request(text, int, text) RETURNS text AS '$dir/requesting.so' LANGUAGE C");

sub request
{
	my ($url, $policy) = @_;

	return $session->query("SELECT request('$url', $policy{$policy}, '$dir/cert.pem')");
}

resolve('127.0.0.1');
$emulator->ctl('clear');
my $url = "https://named.invalid:$port/applications";
my $no = '4: the address is one that no request may go to';

is(request($url, 'any'), '403', 'a host on loopback, for those who may go there');
is(request($url, 'any'), '403', '... again');
is($emulator->ctl('connections'), 1, '... over one connection');
is(request($url, 'service'), $no, 'no request to a service goes over that');
is(request($url, 'metadata'), '403', '... but one for credentials does');
is(request($url, 'loopback'), '403', '... and one to this host');
is(request($url, 'service'), $no, '... and still none to a service');
is(scalar(() = $emulator->ctl('log') =~ /"GET"/g), 4, 'who is refused sends nothing');

# without TLS
my $plain = start_emulator();
$url = $plain->url . '/applications';
is(request($url, 'loopback'), '403', 'HTTP to this host');
is(request($url, 'metadata'), '403', 'HTTP for credentials');
is($plain->ctl('connections'), 1, '... over one connection');
like(request($url, $_), qr/^4: .*http.* (not supported|disabled)/i, "no HTTP under the policy $_") foreach qw(service any);
like(request($url =~ s/127\.0\.0\.1/192.0.2.1/r, $_), qr/^$no/, "no HTTP to others under the policy $_")
  foreach qw(loopback metadata);
is($plain->ctl('calls') =~ s/.* //r, 2, 'who is refused sends nothing');

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
