# Who is trusted: a server whose certificate comes from an authority of the CA bundle
# and is for the host of the endpoint, and nobody else.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my @key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes');

sub openssl
{
	my ($out, $err) = run_command([ 'openssl', @_ ]);

	die "openssl @_: $err" if $?;
}

# An authority: NAME.pem and NAME.key
sub make_authority
{
	my ($name) = @_;

	openssl('req', '-x509', @key, '-days', '2', '-subj', "/CN=$name", '-addext', 'keyUsage=critical,keyCertSign',
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.pem");
}

# A server's certificate: NAME.pem and NAME.key.  "openssl ca" lets it be one of the past.
sub make_certificate
{
	my ($name, $authority, $subject, @validity) = @_;
	my $ca = "$dir/$name.ca";

	mkdir $ca;
	append_to_file("$ca/index", '');
	append_to_file("$ca/extensions", "subjectAltName=$subject\n");
	append_to_file("$ca/config", "[ca]\ndefault_ca=c\n[c]\ndatabase=$ca/index\nnew_certs_dir=$ca\nrand_serial=yes\n"
		  . "default_md=sha256\ndefault_days=2\npolicy=p\n[p]\ncommonName=supplied\n");
	openssl('req', @key, '-subj', "/CN=$name", '-keyout', "$dir/$name.key", '-out', "$ca/request");
	openssl('ca', '-batch', '-notext', '-config', "$ca/config", '-extfile', "$ca/extensions", '-in', "$ca/request",
		'-cert', "$dir/$authority.pem", '-keyfile', "$dir/$authority.key", @validity, '-out', "$dir/$name.pem");
}

make_authority('ours');
make_authority('theirs');
make_certificate('good', 'ours', 'IP:127.0.0.1');
make_certificate('other_host', 'ours', 'DNS:appconfig.us-east-1.amazonaws.com');
make_certificate('expired', 'ours', 'IP:127.0.0.1', '-startdate', '20250101000000Z', '-enddate', '20250102000000Z');

my %emulators = map {
	$_ => start_emulator('--tls-cert', "$dir/$_.pem", '--tls-key', "$dir/$_.key")
} qw(good other_host expired);
my $node = new_node('tls');

# One call to a server of these options: (standard output, SQLSTATE, standard error)
sub call
{
	my ($url, %options) = @_;
	my ($out, $err);

	create_server($node, 'remote', $url, max_attempts => 1, %options);
	$node->psql('postgres', "SELECT status FROM remote.experiment_runs WHERE $example",
		stdout => \$out, stderr => \$err, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$node->safe_psql('postgres', 'SET client_min_messages = warning; DROP SERVER remote CASCADE; DROP SCHEMA remote');
	return ($out, AppConfigTest::sqlstate_of($err), $err);
}

sub check_refused
{
	my ($what, $sqlstate, $err) = @_;

	is($sqlstate, 'HV00N', "$what: refused");
	note $err;
}

my ($out, $sqlstate, $err) = call($emulators{good}->url, ca_bundle => "$dir/ours.pem");
is($out, 'DONE', 'a certificate of an authority in ca_bundle');
is($emulators{good}->ctl('calls'), 'GetExperimentRun 1', '... is good for a call');

foreach my $emulator (values %emulators)
{
	$emulator->ctl('clear');
}
(undef, $sqlstate, $err) = call($emulators{good}->url);
check_refused("an authority that the system does not know", $sqlstate, $err);
(undef, $sqlstate, $err) = call($emulators{good}->url, ca_bundle => "$dir/theirs.pem");
check_refused('an authority that is not in ca_bundle', $sqlstate, $err);
(undef, $sqlstate, $err) = call($emulators{other_host}->url, ca_bundle => "$dir/ours.pem");
check_refused('a certificate for another host', $sqlstate, $err);
(undef, $sqlstate, $err) = call($emulators{expired}->url, ca_bundle => "$dir/ours.pem");
check_refused('a certificate that has expired', $sqlstate, $err);
(undef, $sqlstate, $err) = call($emulators{good}->url, ca_bundle => "$dir/missing.pem");
check_refused('a ca_bundle that is not there', $sqlstate, $err);
append_to_file("$dir/garbage.pem", "no certificate\n");
(undef, $sqlstate, $err) = call($emulators{good}->url, ca_bundle => "$dir/garbage.pem");
check_refused('a ca_bundle that is none', $sqlstate, $err);

my $plain = start_emulator();
(my $mistaken = $plain->url) =~ s/^http:/https:/;
(undef, $sqlstate, $err) = call($mistaken, ca_bundle => "$dir/ours.pem");
is($sqlstate, 'HV00N', 'a server without TLS');
is($_->ctl('calls'), 'no calls', 'nobody who is not trusted gets a request') foreach values %emulators, $plain;

# a connection is kept, and what TLS sends over it unasked does not prevent that
$emulators{good}->ctl('clear');
create_server($node, 'keeping', $emulators{good}->url, ca_bundle => "$dir/ours.pem");
$node->safe_psql('postgres', "SELECT status FROM keeping.experiment_runs WHERE $example;" x 5);
is($emulators{good}->ctl('calls'), 'GetExperimentRun 5', 'five statements make five calls');
is($emulators{good}->ctl('connections'), 1, '... over one connection');

# two servers of one session do not lend each other their trust
create_server($node, 'trusting', $emulators{good}->url, ca_bundle => "$dir/ours.pem");
create_server($node, 'doubting', $emulators{good}->url, ca_bundle => "$dir/theirs.pem", max_attempts => 1);
$node->psql('postgres', qq{
	SELECT status FROM trusting.experiment_runs WHERE $example;
	SELECT status FROM doubting.experiment_runs WHERE $example;
	SELECT status FROM trusting.experiment_runs WHERE $example;
	ALTER SERVER trusting OPTIONS (SET ca_bundle '$dir/theirs.pem');
	SELECT status FROM trusting.experiment_runs WHERE $example;
}, stdout => \$out, stderr => \$err, on_error_stop => 0);
is($out, "DONE\nDONE", 'trust belongs to one server');
is(() = $err =~ /ERROR/g, 2, '... and an ALTER SERVER ends it');

# no plain HTTP beyond this machine
foreach my $url ('http://appconfig.us-east-1.amazonaws.com', 'http://192.0.2.1', 'http://127.0.0.1.example.com',
	'http://127.0.0.1@example.com', 'http://localhost.example.com', 'http://0x7f000001.example.com', 'http://[2001:db8::1]')
{
	$node->psql('postgres', "CREATE SERVER bad FOREIGN DATA WRAPPER appconfig_fdw"
		  . " OPTIONS (region 'us-east-1', endpoint '$url')",
		stderr => \$err, extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	like(AppConfigTest::sqlstate_of($err), qr/^(22023|HV)/, "$url is refused");
}

done_testing();
