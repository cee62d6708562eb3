# Secrets are in no log line, error, plan or view; and whose keys a query uses is
# decided by who may read the table: the owner of a view, not the caller.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $node = new_node('secrets', 'log_statement = none', "session_preload_libraries = 'auto_explain'");
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

create_server($node, 'remote', $emulator->url, max_attempts => 2, request_timeout => '5s');
$node->safe_psql('postgres', q{
	CREATE ROLE temporary;
	CREATE USER MAPPING FOR temporary SERVER remote
		OPTIONS (access_key_id 'ASIATEMPORARY', secret_access_key 'temporary-secret', session_token 'temporary-token');
	CREATE ROLE expired;
	CREATE USER MAPPING FOR expired SERVER remote
		OPTIONS (access_key_id 'ASIAEXPIRED', secret_access_key 'expired-secret', session_token 'expired-token');
	CREATE ROLE mistaken;
	CREATE USER MAPPING FOR mistaken SERVER remote
		OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'mistaken-secret');
	CREATE ROLE denied;
	CREATE USER MAPPING FOR denied SERVER remote
		OPTIONS (access_key_id 'AKIDDENIED', secret_access_key 'denied-secret');
	CREATE ROLE nobody;
	GRANT USAGE ON SCHEMA remote TO PUBLIC;
	GRANT SELECT ON ALL TABLES IN SCHEMA remote TO PUBLIC;
});

# session tokens of the length that real ones have
my @digits = ('a' .. 'z', 'A' .. 'Z', 0 .. 9, '+', '/');
my $state = 1;
my %token;

foreach my $length (700, 951, 1500)
{
	$token{$length} = join('', map { $state = ($state * 69069 + 1) % 2**32; $digits[ $state >> 26 ] } 3 .. $length) . '==';
	$node->safe_psql('postgres', qq{
		CREATE ROLE token_$length;
		CREATE USER MAPPING FOR token_$length SERVER remote
			OPTIONS (access_key_id 'ASIATOKEN', secret_access_key 'long-token-secret', session_token '$token{$length}')});
}

# ---------------------------------------------------------------------
# Nothing tells a secret
# ---------------------------------------------------------------------

my $secret = join '|', map { quotemeta } $secret_key, qw(temporary-secret temporary-token expired-secret expired-token
  mistaken-secret denied-secret);
# what is made of them does not belong into a log either
my $signature = qr/AWS4-HMAC-SHA256|Signature=[0-9a-f]|X-Amz-Security-Token/i;

# everything that a server can be made to log, but for the statements that set secrets
$node->append_conf('postgresql.conf', $log_everything);
$node->restart;
truncate $node->logfile, 0;

my $all_output = '';

# A statement as a role, or as the superuser ("none"): its SQLSTATE, 00000 if it succeeds.  All that the client sees is kept.
sub outcome
{
	my ($role, $sql) = @_;
	my ($out, $err);

	$node->psql('postgres', "SET ROLE $role; SET client_min_messages = debug5; $sql",
		stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
	$all_output .= "$out\n$err\n";
	return $err =~ /ERROR:\s+([0-9A-Z]{5})/ ? $1 : '00000';
}

my $look = "SELECT status FROM remote.experiment_runs WHERE $example";

is(outcome('none', $look), '00000', 'keys that are right');
is(outcome('temporary', $look), '00000', 'temporary keys that are right');
is(outcome('expired', $look), '28000', 'temporary keys that have expired');
is(outcome('mistaken', $look), '28000', 'a secret that is wrong');
is(outcome('denied', $look), '42501', 'an identity that may not');
isnt(outcome('nobody', $look), '00000', 'a role without keys');

foreach my $format (qw(text json xml yaml))
{
	is(outcome('temporary', "EXPLAIN (ANALYZE, VERBOSE, BUFFERS, FORMAT $format) $look"), '00000', "EXPLAIN, $format");
}

# a service that quotes what it was sent
foreach my $quoted ($secret_key, 'temporary-token', 'temporary-secret')
{
	my $role = $quoted eq $secret_key ? 'none' : 'temporary';

	$emulator->ctl('fault', 'status', '--status', '403', '--code', 'SignatureDoesNotMatch',
		'--message', "The string was: $quoted, or so");
	is(outcome($role, $look), '28000', 'an error that quotes a secret');
	$emulator->ctl('nofaults');
}
foreach my $fault ([ 'status', '--status', '500', '--body', "secret: $secret_key" ],
	[ 'status', '--status', '403', '--code', 'IncompleteSignature', '--message',
		"'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/x, Signature=0123456789abcdef' lacks something" ],
	['malformed'], ['garbage-bytes'],
	['reset'], ['html503'], [ 'throttle' ])
{
	$emulator->ctl('fault', @$fault);
	isnt(outcome('none', $look), '00000', "fault $fault->[0]");
	$emulator->ctl('nofaults');
}

# Does a text have 16 letters and digits in a row of the token, whatever stands between them and however that is encoded?
sub shows_part
{
	my ($text, $token) = @_;
	my %parts;

	foreach ($text, $token)
	{
		s/%([0-9a-fA-F]{2})/chr hex $1/ge for 1 .. 3;
		s/\\u00([0-9a-fA-F]{2})/chr hex $1/ge;
		s/[^A-Za-z0-9]//g;
	}
	$parts{ substr($token, $_, 16) } = 1 foreach 0 .. length($token) - 16;
	return scalar grep { $parts{ substr($text, $_, 16) } } 0 .. length($text) - 16;
}

my %encodings = (
	plain => sub { $_[0] },
	percent => sub { $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger },
	'lower-case percent' => sub { $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger },
	'twice percent' => sub { $_[0] =~ s/([^A-Za-z0-9])/sprintf '%%25%02x', ord $1/ger },
	json => sub { $_[0] =~ s/([^A-Za-z0-9])/sprintf '\\u%04x', ord $1/ger },
	part => sub { substr($_[0], 300, 40) },
);

ok(shows_part("x%2F$encodings{percent}->($token{700})", $token{700}), 'a token that shows is found');
foreach my $length (sort { $a <=> $b } keys %token)
{
	my $session = open_session($node);
	my @quotes;
	my $output;

	foreach my $name (sort keys %encodings)
	{
		my $quoted = $encodings{$name}->($token{$length});
		my $bare = $quoted =~ s/[^A-Za-z0-9]//gr;

		push @quotes, [ "$name, in a message", code => 'AccessDenied', message => "You sent $quoted." ],
		  [ "$name, cut off", code => 'AccessDenied', message => ('long ' x 190) . "$quoted." ],
		  [ "$name, in the code", body => JSON::PP::encode_json({ code => $quoted, message => 'No.' }) ],
		  [ "$name, before the code", body => JSON::PP::encode_json({ code => "$quoted#No", message => 'No.' }) ],
		  [ "$name, in x-amzn-ErrorType", code => $quoted, message => 'No.' ],
		  [ "$name, in a code of the right form", code => 'A' . substr($bare, 0, 99) ],
		  [ "$name, in x-amzn-RequestId", code => 'AccessDenied', headers => { 'x-amzn-RequestId' => $quoted } ],
		  [
			"$name, in an x-amzn-RequestId of the right form",
			code => 'AccessDenied', headers => { 'x-amzn-RequestId' => substr($bare, 0, 100) }
		  ],
		  [
			"$name, in a canonical request", code => 'InvalidSignatureException',
			message => "The canonical request is 'GET\n/applications\n\nhost:x\nx-amz-security-token:$quoted\n\nhost;x\nabc'"
		  ];
	}
	$session->query("SET ROLE token_$length; SET client_min_messages = debug5");
	foreach (@quotes)
	{
		my ($name, %fault) = @$_;

		$emulator->faults({ kind => 'status', status => 403, %fault });
		$output = join "\n", $session->run($look);
		like($output, qr/ERROR:  (28000|42501)/, "a service that quotes a token of $length bytes, $name");
		ok(!shows_part($output, $token{$length}), '... which does not show') or diag($output);
		$all_output .= $output;
	}

	# a page's token is in the path of the next one
	my $page = JSON::PP::encode_json({
		NextToken => $token{$length},
		Items => [ { ExperimentDefinitionId => 'bsxyd7k', Run => 1, Status => 'DONE' } ]
	});
	$emulator->faults({ kind => 'status', status => 200, body => $page, times => 1 },
		{ kind => 'status', status => 400, code => 'BadRequestException' });
	$output = join "\n", $session->run('SELECT count(*) FROM remote.experiment_runs ' .
		"WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k'");
	like($output, qr/ERROR:  HV000.*CONTEXT:  GET \(a text that quotes a secret\)/s, 'a page whose token is ours shows in no path');
	ok(!shows_part($output, $token{$length}), '... nor elsewhere');
	$all_output .= $output;
	$emulator->faults();
}

# while a call is in flight
$emulator->ctl('fault', 'hang');
my $session = start_session($node, 'victim', "SET ROLE temporary; $look;");
wait_until('the call', sub { $emulator->stats->{in_flight} == 1 });
$all_output .= $node->safe_psql('postgres', q{
	SELECT * FROM pg_stat_activity;
	SELECT pg_log_backend_memory_contexts(pid), pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim';
});
$session->finish;
$emulator->ctl('nofaults');

$all_output .= $node->safe_psql('postgres', q{
	PREPARE p AS SELECT status FROM remote.experiment_runs WHERE application_id = $1;
	SELECT * FROM pg_prepared_statements;
	SELECT * FROM pg_stats;
});
my $log = slurp_file($node->logfile);
cmp_ok(length($log), '>', 100_000, 'much was logged');
like($log, qr/FOREIGNSCAN/, '... plans, too');
like($log, qr/AppConfig call: /, '... and calls');
unlike($log, qr/$secret/, 'no secret is in the log');
unlike($log, $signature, '... nor anything made of one');
ok(!shows_part($log, $token{$_}), "... nor part of a token of $_ bytes") foreach sort keys %token;
unlike($all_output, qr/$secret/, 'no secret is in what clients see');
unlike($all_output, $signature, '... nor anything made of one');

# the mapping's own options are shown to those who may see them alone
my $options = $node->safe_psql('postgres', q{
	SET ROLE nobody;
	SELECT umoptions FROM pg_user_mappings WHERE srvname = 'remote' AND umoptions IS NOT NULL});
is($options, '', 'roles do not see the keys of others');

# ---------------------------------------------------------------------
# Nothing tells what others answer
# ---------------------------------------------------------------------

# who may create servers can point one at any port of the machine
$node->safe_psql('postgres', 'CREATE ROLE creator; GRANT USAGE ON FOREIGN DATA WRAPPER appconfig_fdw TO creator');

my $curious = open_session($node);

$curious->query(qq{
	SET ROLE creator;
	CREATE SERVER curious FOREIGN DATA WRAPPER appconfig_fdw
		OPTIONS (region 'us-east-1', endpoint '@{[ $emulator->url ]}/private', max_attempts '1');
	CREATE USER MAPPING FOR creator SERVER curious OPTIONS (access_key_id 'AKID', secret_access_key 'a-secret-key');
	CREATE FOREIGN TABLE pg_temp.applications (application_name text) SERVER curious});

my %answers = (
	'a text' => 'process_private_bytes 1',
	'a page' => '<html><title>private</title></html>',
	'XML' => '<?xml version="1.0"?><status><Code>Private</Code><Message>private</Message></status>',
	'JSON' => '{"private":"private"}',
	'an error of Elasticsearch' => '{"error":{"type":"private","reason":"private"},"status":403}',
	'an error of etcd' => '{"error":"private","code":5,"message":"private","details":[]}',
	'an error of CouchDB' => '{"error":"private","reason":"private"}',
	'an error of Docker' => '{"message":"private"}',
	'an error of Kubernetes' => '{"kind":"Status","message":"private","reason":"Private","code":403}',
	'an error of Vault' => '{"errors":["private"]}',
	'JSON that is cut' => '{"message":"private"',
);

foreach my $status (200, 301, 400, 403, 500, 503)
{
	foreach my $name (sort keys %answers)
	{
		$emulator->faults({ kind => 'status', status => $status, body => $answers{$name},
			headers => { Location => '/private', Server => 'private' } });

		my ($out, $err) = $curious->run('SELECT * FROM pg_temp.applications');

		like($err, qr/ERROR/, "$name, with status $status, is an error") unless $status == 200;
		unlike("$out\n$err" =~ s/GET \/private\S*//r, qr/private/i, "$name, with status $status, is not shown");
	}
}
$emulator->faults();

# ---------------------------------------------------------------------
# Whose keys
# ---------------------------------------------------------------------

# Keys that a statement's calls were signed with
sub keys_of
{
	my ($role, $sql) = @_;

	$emulator->ctl('clear');
	my $sqlstate = outcome($role, $sql);
	return $sqlstate if $sqlstate ne '00000';
	return join ' ', map { JSON::PP::decode_json($_)->{key} } split /\n/, $emulator->ctl('log');
}

$node->safe_psql('postgres', qq{
	CREATE VIEW owned AS $look;
	CREATE VIEW invoked WITH (security_invoker) AS $look;
	CREATE FUNCTION definer() RETURNS text LANGUAGE sql SECURITY DEFINER AS \$\$ $look \$\$;
	CREATE FUNCTION invoker() RETURNS text LANGUAGE sql AS \$\$ $look \$\$;
	CREATE VIEW nested AS SELECT o.status, (SELECT count(*) FROM remote.treatments t WHERE $example) FROM owned o;
	CREATE MATERIALIZED VIEW kept AS $look;
	ALTER MATERIALIZED VIEW kept OWNER TO temporary;
	GRANT SELECT ON owned, invoked, nested TO PUBLIC;
	CREATE FUNCTION fetch_for(c refcursor) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
		AS \$\$ DECLARE found text; BEGIN FETCH c INTO found; RETURN found; END \$\$;
	CREATE FUNCTION open_for() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER
		AS \$\$ DECLARE c refcursor := 'c'; BEGIN OPEN c FOR $look; RETURN c; END \$\$;
	CREATE TABLE numbers AS SELECT 1 AS run;
	GRANT ALL ON numbers TO temporary;
});

is(keys_of('temporary', 'SELECT * FROM owned'), 'AKIDEXAMPLE', 'a view is read with the keys of its owner');
is(keys_of('nobody', 'SELECT * FROM owned'), 'AKIDEXAMPLE', '... also by who has none');
is(keys_of('nobody', 'SELECT * FROM nested'), 'AKIDEXAMPLE', '... and through another view');
is(keys_of('temporary', 'SELECT * FROM invoked'), 'ASIATEMPORARY', 'a view WITH (security_invoker) is read with the reader\'s');
is(keys_of('temporary', 'SELECT definer()'), 'AKIDEXAMPLE', 'a SECURITY DEFINER function reads with its owner\'s');
is(keys_of('temporary', 'SELECT invoker()'), 'ASIATEMPORARY', 'any other with the caller\'s');
is(keys_of('none', 'REFRESH MATERIALIZED VIEW kept'), 'ASIATEMPORARY', 'a materialized view is filled with its owner\'s');
is(keys_of('temporary', "SELECT o.status FROM owned o JOIN remote.experiment_runs r ON r.status = o.status WHERE r.$example"),
	'AKIDEXAMPLE ASIATEMPORARY', 'one statement can use several');

# who signs is settled when a statement or cursor begins, not when its first row is asked for
my $declare = "BEGIN; DECLARE c CURSOR FOR $look";

is(keys_of('temporary', "$declare; SET ROLE none; FETCH c"), 'ASIATEMPORARY', 'a cursor keeps the role that has opened it');
is(keys_of('none', "$declare; SET ROLE temporary; FETCH c"), 'AKIDEXAMPLE', '... a superuser, too');
is(keys_of('none', "$declare; SET ROLE nobody; FETCH c"), 'AKIDEXAMPLE', '... also where the other has no keys');
is(keys_of('nobody', "$declare; SET ROLE none; FETCH c"), '28000', '... and has none if that role has none');
is(keys_of('temporary', "BEGIN; DECLARE c CURSOR WITH HOLD FOR $look; SET ROLE none; COMMIT; FETCH c"),
	'ASIATEMPORARY', '... also one WITH HOLD, filled at COMMIT');
is(keys_of('temporary', "$declare; SAVEPOINT s; SET ROLE none; MOVE c; ROLLBACK TO s; FETCH c"),
	'ASIATEMPORARY', '... and after a savepoint');
is(keys_of('nobody', 'BEGIN; DECLARE c CURSOR FOR SELECT * FROM nested; SET ROLE temporary; FETCH c'),
	'AKIDEXAMPLE', '... but a view in it its owner');
is(keys_of('temporary', "$declare; SELECT fetch_for('c')"),
	'ASIATEMPORARY', 'a SECURITY DEFINER function that fetches from its caller\'s cursor lends no keys');
is(keys_of('nobody', "$declare; SELECT fetch_for('c')"), '28000', '... to who has none, either');
is(keys_of('temporary', 'BEGIN; SELECT open_for(); FETCH c'), 'AKIDEXAMPLE', '... but one that opens a cursor does');
is(keys_of('none', "PREPARE p AS $look; EXECUTE p; SET ROLE temporary; EXECUTE p"),
	'AKIDEXAMPLE ASIATEMPORARY', 'a prepared statement is read with the keys of who executes it');

# PostgreSQL begins scans of its own where it checks a row again that another transaction has changed
my $fetching = open_session($node);

$emulator->ctl('clear');
$fetching->query(qq{
	SET ROLE temporary;
	BEGIN;
	DECLARE c CURSOR FOR SELECT run FROM numbers n WHERE 'none' <>
		(SELECT status FROM remote.experiment_runs r
		 WHERE application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND r.run = n.run)
		FOR UPDATE});
$node->safe_psql('postgres', 'UPDATE numbers SET run = run');
$fetching->query('SET ROLE none; FETCH c; COMMIT');
is($emulator->calls, 'GetExperimentRun 2', 'a row is checked again');
is(join(' ', map { JSON::PP::decode_json($_)->{key} } split /\n/, $emulator->ctl('log')), 'ASIATEMPORARY ASIATEMPORARY',
	'... with the same keys');

done_testing();
