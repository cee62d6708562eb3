# The option proxy: what goes through it and how, what becomes of its failures, and that nothing but the
# option says so.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use MIME::Base64;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $run = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";
my @tls = ('--tls', "$dir/cert.pem", "$dir/key.pem");
foreach my $pair ([ 'cert', 'key' ], [ 'other_cert', 'other_key' ])
{
	my (undef, $failure) = run_command([
		'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
		'-subj', '/CN=test', '-addext', 'subjectAltName=DNS:appconfig.example,IP:127.0.0.1',
		'-keyout', "$dir/$pair->[1].pem", '-out', "$dir/$pair->[0].pem"
	]);
	die $failure if $?;
}

# characters that a URL needs encoded, in a password that is too long to be anywhere by accident
my ($user, $password) = ('proxy user', 'a long/password:with@signs');
my $userinfo = 'proxy%20user:a%20long%2Fpassword%3Awith%40signs';
my $secrets = join '|', map { quotemeta } $user, $userinfo, $password, 'a long', encode_base64("$user:$password", '');

my $proxy = start_proxy();
my $locked = start_proxy('--user', "$user:$password");
my $covered = start_proxy(@tls);
my $strange = start_proxy('--tls', "$dir/other_cert.pem", "$dir/other_key.pem");
my $emulator = start_emulator('--tls-cert', "$dir/cert.pem", '--tls-key', "$dir/key.pem");
my $plain = start_emulator();
my ($port) = $emulator->url =~ /:(\d+)$/;
my $open = $locked->url =~ s{//}{//$userinfo@}r;

my $node;
{
	local %ENV = (%ENV, map { ($_ => $proxy->url, uc $_ => $proxy->url) } qw(http_proxy https_proxy all_proxy));
	$ENV{no_proxy} = $ENV{NO_PROXY} = 'appconfig.example,localhost';
	$node = new_node('proxy', 'log_min_messages = debug5', 'log_statement = none', "session_preload_libraries = 'appconfig_fdw'",
		'appconfig_fdw.log_calls = on');
}

my %common = (ca_bundle => "$dir/cert.pem", max_attempts => 2);
my $number = 0;

# A new server: its name
sub server
{
	my ($endpoint, %options) = @_;
	my $name = 'server_' . ++$number;

	create_server($node, $name, $endpoint, %common, %options);
	return $name;
}

sub look
{
	my ($server) = @_;

	return "SELECT status FROM $server.experiment_runs WHERE $run";
}

# What a query of a new session says instead of an answer
sub failure
{
	my ($server) = @_;
	my (undef, $out, $err) = $node->psql('postgres', look($server), extra_params => [ '-v', 'VERBOSITY=verbose' ]);

	is($out, '', 'no answer') if $out ne '';
	return $err;
}

# ---------------------------------------------------------------------
# Ways
# ---------------------------------------------------------------------

my $connect = "CONNECT appconfig.example:$port";
my $tunnelled = server("https://appconfig.example:$port", proxy => $proxy->url);
my $session = open_session($node);

is($session->query(look($tunnelled) . ';' . look($tunnelled)), "DONE\nDONE", 'through a tunnel');
is($proxy->log, "$connect 200", '... which is made once, for a name that only the proxy knows');
is($emulator->ctl('calls'), 'GetExperimentRun 2', '... for two calls');
my $headers = $proxy->control('headers');
like($headers, qr/^Host: appconfig\.example:$port\r?$/m, 'the proxy is told the host');
unlike($headers, qr/X-Amz|Authorization|amz-sdk|AWS4/i, '... and nothing of the request');

is($session->query(look(server($emulator->url))), 'DONE', 'without the option');
is($session->query(look(server($plain->url))), 'DONE', '... also without TLS');
is($proxy->log, '', '... the environment counts for nothing');

my $absolute = server($plain->url, proxy => $proxy->url);
is($session->query(look($absolute)), 'DONE', 'without TLS');
like($proxy->log, qr{^GET \Q@{[ $plain->url ]}\E/applications/\S+ 200$}, '... with a URL');

is($session->query(look(server("https://appconfig.example:$port", proxy => $open))), 'DONE', 'with user and password');
is($locked->log, "$connect 200", '... which go out at once');
is($session->query(look(server($plain->url, proxy => $open))), 'DONE', '... also without TLS');
$locked->log;

is($session->query(look(server("https://appconfig.example:$port", proxy => $covered->url))), 'DONE', 'over TLS to the proxy');
is($session->query(look(server($plain->url, proxy => $covered->url))), 'DONE', '... also without TLS behind it');
$emulator->ctl('clear');
like(failure(server("https://appconfig.example:$port", proxy => $strange->url)), qr/HV00N: .*could not trust/,
	'... if its certificate can be trusted');
is($emulator->ctl('connections'), 0, '... else nothing goes through it');
like(failure(server('https://other.example:' . $port, proxy => $proxy->url)), qr/HV00N: .*could not trust/,
	'the certificate is for the host of the endpoint');
$node->safe_psql('postgres', "ALTER SERVER $tunnelled OPTIONS (DROP ca_bundle)");
like(failure($tunnelled), qr/HV00N: .*could not trust/, '... of an authority that is trusted');
$node->safe_psql('postgres', "ALTER SERVER $tunnelled OPTIONS (ADD ca_bundle '$dir/cert.pem')");

# a role is assumed through it as well, but what is next to the server is asked without it
my $role = server("https://appconfig.example:$port", proxy => $open, sts_endpoint => "https://appconfig.example:$port",
	role_arn => 'arn:aws:iam::111122223333:role/ReportReader');
$emulator->ctl('clear');
is(open_session($node)->query(look($role)), 'DONE', 'with a role');
is($locked->log, "$connect 200", '... that is assumed through the tunnel');
is($emulator->ctl('calls'), "AssumeRole 1\nGetExperimentRun 1", '... over one connection');
$node->safe_psql('postgres', "DROP USER MAPPING FOR CURRENT_USER SERVER $role;
	ALTER SERVER $role OPTIONS (DROP role_arn, ADD ambient_credentials 'instance')");
add_environment($node);
$session = open_session($node);
$session->query("SELECT set_environment('AWS_EC2_METADATA_SERVICE_ENDPOINT', '" . $plain->url . "')");
$plain->ctl('clear');
$session->run(look($role));
is($plain->ctl('calls'), "MetadataCredentials 1\nMetadataRole 1\nMetadataToken 1", 'an instance');
is($locked->log, "$connect 200", '... is asked without the proxy, and AppConfig through it');

# ---------------------------------------------------------------------
# Whose tunnel
# ---------------------------------------------------------------------

my $with = server("https://appconfig.example:$port", proxy => $open);
my $wrong = server("https://appconfig.example:$port", proxy => $open =~ s/signs/sighs/r);
my $without = server("https://appconfig.example:$port", proxy => $locked->url);

$session = open_session($node);
is($session->query(look($with)), 'DONE', 'a tunnel that a password has opened');
is($session->failure(look($without)), 'HV00N', '... is not for those without');
is($session->failure(look($wrong)), 'HV00N', '... or with another one');
is($session->query(look($with)), 'DONE', '... and the session goes on');
is(scalar(() = $locked->log =~ / 407$/gm), 2, 'a refusal is not tried again');

# ---------------------------------------------------------------------
# Where to
# ---------------------------------------------------------------------

$proxy->log;
foreach my $host ('169.254.169.254', '[::ffff:a9fe:a9fe]', '[fd00:ec2::254]', '0.0.0.0')
{
	like(failure(server("https://$host:$port", proxy => $proxy->url)),
		qr/HV00N: .*could not trust.*\nDETAIL:.*the address is one that no request may go to/, "$host is refused");
}
is($proxy->log, '', '... before the proxy hears of it');
like(failure(server($plain->url, proxy => 'http://192.0.2.1:3128')),
	qr/HV00N: .*could not trust.*\nDETAIL:.*the address is one that no request may go to/,
	'what goes without TLS does not go to a proxy elsewhere');

# ---------------------------------------------------------------------
# Failures
# ---------------------------------------------------------------------

my $refused = qr/HV00N: the proxy refused to connect to AWS AppConfig\n/;
my $hint = qr/HINT:  Check proxy of the foreign server/;

foreach my $server ($without, $wrong, server($plain->url, proxy => $open =~ s/signs/sighs/r))
{
	like(failure($server), qr/$refused.*DETAIL:  GetExperimentRun failed: the proxy has answered with HTTP status 407\n$hint/, '407');
}
$locked->log;
foreach my $case ([ 403, 1 ], [ 500, 2 ], [ 502, 2 ], [ 503, 2 ], [ 504, 2 ], [ 302, 1 ])
{
	my ($status, $attempts) = @$case;

	$locked->fault($status);
	like(failure($with), qr/$refused.*DETAIL:  .* failed.*: the proxy has answered with HTTP status $status\n$hint/, "status $status");
	is($locked->log, join("\n", ("$connect $status") x $attempts), "... after $attempts attempts");
}

my $not_connected = qr/HV00N: could not connect to AWS AppConfig\n/;
my $hasty = server("https://appconfig.example:$port", proxy => $open, connect_timeout => '1s');
foreach my $fault ('hang', 'close', 'garbage', 'endless', 'silent')
{
	$locked->fault($fault);
	like(failure($hasty), $fault eq 'endless' ? qr/HV00N:|HV000:/ : qr/$not_connected.*DETAIL:.*\nHINT:.*proxy/, "a proxy that does this: $fault");
	$locked->log;
}
my $read = server($plain->url, proxy => $open);
foreach my $fault ('quote', 'quote-plain')
{
	$locked->fault($fault);
	like(failure($read), qr/HV000: .*cannot be read\nDETAIL:.*it quotes the password of the proxy/, "a proxy that does this: $fault");
}
$locked->fault('none');
is($node->safe_psql('postgres', look($hasty)), 'DONE', 'and then it works');
like(failure(server("https://appconfig.example:$port", proxy => "http://$userinfo\@127.0.0.1:1")),
	qr/$not_connected.*DETAIL:.*Connection refused\nHINT:.*proxy/, 'no proxy there');
like(failure(server("https://appconfig.example:$port", proxy => "http://$userinfo\@name.invalid")),
	qr/$not_connected.*DETAIL:.*name\.invalid/, 'nor such a name');

# ---------------------------------------------------------------------
# The password
# ---------------------------------------------------------------------

foreach my $bad ("http://$userinfo\@127.0.0.1/path", "socks5://$userinfo\@127.0.0.1", "http://$userinfo\@127.0.0.1:x")
{
	my (undef, undef, $err) = $node->psql('postgres',
		"CREATE SERVER bad FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', proxy '$bad')",
		extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	# psql itself shows the statement only where the error has a place
	like($err, qr/22023: invalid value for option "proxy"\nDETAIL:/, 'a proxy that cannot be');
	unlike($err, qr/long/, '... is not quoted');
}
my @shown = grep { /$secrets/ } split /\n/, slurp_file($node->logfile);
is(join("\n", @shown), '', 'no message and no line of the log has user or password');
like(slurp_file($node->logfile), qr/AppConfig call: GetExperimentRun .*, refused by the proxy, attempt 1/, '... though calls are logged');
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
