# Who signs with the identity of the database server's machine, for every kind of user and every way to a table;
# and what dumps tell of it.

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
my $url = $emulator->url;
my $account = '111122223333';
my $reader = "arn:aws:iam::$account:role/ReportReader";
my $example = "application_id = '339ohji' AND experiment_definition_id = 'bsxyd7k' AND run = 1";

# Whose key is whose.  The machine's is in the environment of the server, as a whole process has it.
my %whose = (AKIDOTHER => 'machine', ASIATEMPORARY => 'keyed', AKIDEXAMPLE => 'public');

delete $ENV{$_} foreach grep { /^AWS_/ } keys %ENV;
$ENV{HOME} = PostgreSQL::Test::Utils::tempdir();
$ENV{AWS_ACCESS_KEY_ID} = 'AKIDOTHER';
$ENV{AWS_SECRET_ACCESS_KEY} = 'other-secret';
my $node = new_node('users', 'log_statement = none');
delete @ENV{qw(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY)};

# ---------------------------------------------------------------------
# Users and servers
# ---------------------------------------------------------------------

# keyed has keys of its own, empty a mapping without any, plain no mapping, stranger not even a grant
my @users = qw(keyed empty plain owner);

$node->safe_psql('postgres', q{
	CREATE ROLE superuser SUPERUSER LOGIN;
	CREATE ROLE keyed LOGIN;
	CREATE ROLE empty LOGIN;
	CREATE ROLE plain LOGIN;
	CREATE ROLE owner LOGIN;
	CREATE ROLE stranger LOGIN;
	GRANT USAGE ON FOREIGN DATA WRAPPER appconfig_fdw TO owner;
});

my $public_keys = "access_key_id '$access_key', secret_access_key '$secret_key'";
my %servers = (
	closed => {},
	lent => { ambient_credentials => 'environment' },
	roled => { ambient_credentials => 'environment', role_arn => $reader },
	shared => { ambient_credentials => 'environment', public => $public_keys },
	confined => { ambient_credentials => 'environment', public => "role_arn '$reader'" },
);

foreach my $name (sort keys %servers)
{
	my %options = %{ $servers{$name} };
	my $public = delete $options{public};

	create_server($node, $name, $url, sts_endpoint => $url, %options);
	$node->safe_psql('postgres', qq{
		DROP USER MAPPING FOR CURRENT_USER SERVER $name;
		CREATE USER MAPPING FOR keyed SERVER $name
			OPTIONS (access_key_id 'ASIATEMPORARY', secret_access_key 'temporary-secret', session_token 'temporary-token');
		CREATE USER MAPPING FOR empty SERVER $name;
		ALTER SERVER $name OWNER TO owner;
		GRANT USAGE ON SCHEMA $name TO superuser, keyed, empty, plain, owner;
		GRANT SELECT ON ALL TABLES IN SCHEMA $name TO keyed, empty, plain, owner});
	$node->safe_psql('postgres', "CREATE USER MAPPING FOR PUBLIC SERVER $name OPTIONS ($public)") if $public;
}

sub look { return "SELECT status FROM $_[0].experiment_runs WHERE $example"; }

# Who signed the calls since the last clear, each once; a session of the role is "role"
sub signers
{
	my %who = map { ($whose{ $_->{key} } // 'role') => 1 } map { JSON::PP::decode_json($_) } split /\n/, $emulator->ctl('log');

	return join ' ', sort keys %who;
}

# signs(USER, SQL): who signed what a session of the user calls, or the SQLSTATE, with the calls that were made nevertheless
sub signs
{
	my ($user, $sql) = @_;
	my ($out, $err);

	$emulator->clear;
	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0,
		extra_params => [ '-U', $user, '-v', 'VERBOSITY=verbose' ]);
	return join ' ', grep { $_ ne '' } sqlstate_of($err), signers() if $err =~ /ERROR/;
	return signers();
}

# whoami(USER, SERVER): source and ARN, or the SQLSTATE
sub whoami
{
	my ($user, $server) = @_;
	my ($out, $err);

	$emulator->clear;
	$node->psql('postgres', "SELECT source, arn FROM appconfig_fdw_whoami('$server')", stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $user, '-v', 'VERBOSITY=verbose' ]);
	return $out if $err eq '';
	return join ' ', grep { $_ ne '' } sqlstate_of($err), signers();
}

my $session = "arn:aws:sts::$account:assumed-role/ReportReader/appconfig_fdw";
my %arns = (
	machine => "environment|arn:aws:iam::$account:user/other",
	keyed => "user mapping|arn:aws:iam::$account:user/temporary",
	public => "user mapping|arn:aws:iam::$account:user/example",
);

# Who signs; "machine role" is a role that the machine's key has assumed
my %expected = (
	closed => { superuser => '28000', keyed => 'keyed', empty => '28000', plain => '28000', owner => '28000' },
	lent => { superuser => 'machine', keyed => 'keyed', empty => 'machine', plain => 'machine', owner => 'machine' },
	roled => { superuser => 'machine role', keyed => 'keyed role', empty => 'machine role', plain => 'machine role', owner => 'machine role' },
	shared => { superuser => 'public', keyed => 'keyed', empty => 'machine', plain => 'public', owner => 'public' },
	confined => { superuser => 'machine role', keyed => 'keyed', empty => 'machine', plain => 'machine role', owner => 'machine role' },
);

foreach my $server (sort keys %servers)
{
	foreach my $user ('superuser', @users)
	{
		my $expected = $expected{$server}{$user};
		my ($base) = split ' ', $expected;
		my $arn = $expected =~ /role/ ? ($base eq 'keyed' ? 'user mapping' : 'environment') . "|$session-$user" : $arns{$base} // $base;

		is(signs($user, look($server)), $expected, "$user on server $server: $expected");
		is(whoami($user, $server), $arn, '... which whoami tells');
	}
	is(signs('stranger', look($server)), '42501', "who has been granted nothing on server $server reads nothing, without a call");
	is(whoami('stranger', $server), '42501', '... and is told nothing');
}

# ---------------------------------------------------------------------
# Ways to a table
# ---------------------------------------------------------------------

# a view and a function of each; stranger may read them all, but nothing else
foreach my $user ('superuser', @users)
{
	$node->safe_psql('postgres', qq{
		CREATE VIEW view_of_$user AS @{[ look('lent') ]};
		CREATE FUNCTION definer_of_$user() RETURNS text LANGUAGE sql SECURITY DEFINER AS \$\$ @{[ look('lent') ]} \$\$;
		CREATE FUNCTION whoami_of_$user() RETURNS text LANGUAGE sql SECURITY DEFINER
			AS \$\$ SELECT arn FROM public.appconfig_fdw_whoami('lent') \$\$;
		CREATE FUNCTION cursor_of_$user() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER
			AS \$\$ DECLARE c refcursor := 'c'; BEGIN OPEN c FOR @{[ look('lent') ]}; RETURN c; END \$\$;
		ALTER VIEW view_of_$user OWNER TO $user;
		ALTER FUNCTION definer_of_$user OWNER TO $user;
		ALTER FUNCTION whoami_of_$user OWNER TO $user;
		ALTER FUNCTION cursor_of_$user OWNER TO $user;
		GRANT SELECT ON view_of_$user TO PUBLIC});
}
$node->safe_psql('postgres', qq{
	CREATE VIEW invoked WITH (security_invoker) AS @{[ look('lent') ]};
	ALTER VIEW invoked OWNER TO keyed;
	GRANT SELECT ON invoked TO PUBLIC;
	CREATE FUNCTION invoker() RETURNS text LANGUAGE sql AS \$\$ @{[ look('lent') ]} \$\$;
	CREATE VIEW nested AS SELECT * FROM invoked;
	ALTER VIEW nested OWNER TO plain;
	GRANT SELECT ON nested TO PUBLIC;
	CREATE MATERIALIZED VIEW kept AS @{[ look('lent') ]} WITH NO DATA;
	ALTER MATERIALIZED VIEW kept OWNER TO keyed});

foreach my $owner ('superuser', @users)
{
	my $lent = $expected{lent}{$owner};

	foreach my $user (qw(stranger keyed))
	{
		is(signs($user, "SELECT * FROM view_of_$owner"), $lent, "a view of $owner, read by $user: $lent");
		is(signs($user, "SELECT definer_of_$owner()"), $lent, "... a SECURITY DEFINER function: $lent");
		is(signs($user, "SELECT whoami_of_$owner()"), $lent, '... one that asks who it is');
		is(signs($user, "BEGIN; SELECT cursor_of_$owner(); FETCH c"), $lent, "... a cursor that such a function has opened: $lent");
	}
}
foreach my $user (@users)
{
	my $own = $expected{lent}{$user};

	is(signs($user, 'SELECT * FROM invoked'), $own, "a security_invoker view of another, read by $user: $own");
	is(signs($user, 'SELECT invoker()'), $own, "... a function without SECURITY DEFINER: $own");
	is(signs($user, 'SELECT * FROM nested'), $own, "... the security_invoker view in another view: $own");
}
is(signs('stranger', 'SELECT * FROM invoked'), '42501', 'a security_invoker view lends nothing to who has been granted nothing');
is(signs('stranger', 'SELECT invoker()'), '42501', '... nor does a function without SECURITY DEFINER');
is(signs('superuser', 'REFRESH MATERIALIZED VIEW kept'), 'keyed', 'a materialized view is filled by its owner');

# ---------------------------------------------------------------------
# SET ROLE
# ---------------------------------------------------------------------

my $declare = 'BEGIN; DECLARE c CURSOR FOR ' . look('lent');

is(signs('superuser', 'SET ROLE keyed; ' . look('lent')), 'keyed', 'after SET ROLE, the role');
is(signs('superuser', 'SET ROLE plain; ' . look('closed')), '28000', '... and not the superuser that has logged in');
is(signs('superuser', 'SET ROLE stranger; ' . look('lent')), '42501', '... who could do what the role cannot');
is(signs('superuser', "SET ROLE keyed; SELECT * FROM appconfig_fdw_whoami('lent')"), 'keyed', '... also where it asks who it is');
is(signs('superuser', "SET ROLE stranger; SELECT * FROM appconfig_fdw_whoami('lent')"), '42501', '... or may not');
is(signs('superuser', "SET ROLE keyed; $declare; RESET ROLE; FETCH c"), 'keyed', 'a cursor keeps the role that opened it');
is(signs('superuser', "$declare; SET ROLE keyed; FETCH c"), 'machine', '... whichever way');
is(signs('superuser', "$declare; SET ROLE stranger; FETCH c"), 'machine', '... also for one that may nothing');

# between the FETCHes: a first part of the runs is fetched before, the rest after
my $many = "BEGIN; DECLARE c CURSOR FOR SELECT run, exposure_percentage FROM lent.experiment_runs WHERE application_id = '339ohji'";

is(signs('superuser', "SET ROLE keyed; $many; FETCH 1 FROM c; RESET ROLE; FETCH ALL FROM c"), 'keyed', '... and between two FETCHes');
is(signs('superuser', "$many; FETCH 1 FROM c; SET ROLE keyed; FETCH ALL FROM c"), 'machine', '... whichever way');
is(signs('superuser', 'SET ROLE keyed; PREPARE p AS ' . look('lent') . '; EXECUTE p; RESET ROLE; EXECUTE p'),
	'keyed machine', 'a prepared statement is read by who executes it');

# ---------------------------------------------------------------------
# What users may do about it
# ---------------------------------------------------------------------

is(signs('owner', "ALTER SERVER lent OPTIONS (SET endpoint 'https://elsewhere.example.com')"), '42501',
	"the owner cannot move the machine's requests");
is(signs('owner', "ALTER SERVER lent OPTIONS (ADD role_arn '$reader')"), '42501', '... nor take another role');
is(signs('owner', "ALTER SERVER closed OPTIONS (ADD ambient_credentials 'true')"), '42501', '... nor lend the identity at all');
is(signs('owner', "CREATE SERVER own FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region 'us-east-1', ambient_credentials 'true')"),
	'42501', '... also of a server of his own');
$node->safe_psql('postgres', 'GRANT USAGE ON FOREIGN SERVER lent, confined TO plain, empty');
is(signs('plain', "CREATE USER MAPPING FOR plain SERVER lent OPTIONS (role_arn '$reader')"), '42501', 'a user cannot take another role');
is(signs('plain', 'CREATE USER MAPPING FOR plain SERVER confined'), '42501', "... nor step out of PUBLIC's");

# a mapping of a user's own confines nobody: the user drops it
$node->safe_psql('postgres', qq{
	DROP USER MAPPING FOR empty SERVER lent;
	CREATE USER MAPPING FOR empty SERVER lent OPTIONS (role_arn '$reader')});
is(signs('empty', look('lent')), 'machine role', "a role in a user's own mapping is assumed");
is(signs('empty', 'ALTER USER MAPPING FOR empty SERVER lent OPTIONS (DROP role_arn)'), '42501', '... and the user cannot change that');
is(signs('empty', 'DROP USER MAPPING FOR empty SERVER lent; ' . look('lent')), 'machine', '... but drop the mapping');
is(signs('empty', 'DROP USER MAPPING FOR empty SERVER confined; ' . look('confined')), 'machine role',
	"... which does not lead past the role of PUBLIC's mapping");
is(signs('plain', 'DROP USER MAPPING FOR PUBLIC SERVER confined'), '42501', '... that only the owner may drop');
is(signs('plain', 'DROP USER MAPPING IF EXISTS FOR plain SERVER roled; ' . look('roled')), 'machine role',
	'... nor past the role of the server');

# ---------------------------------------------------------------------
# Dumps
# ---------------------------------------------------------------------

my @own = qw(temporary-secret temporary-token);
my @secrets = (@own, $secret_key, 'other-secret');

# dump(USER, PROGRAM, ARGUMENT ...): what it writes
sub dump_by
{
	my ($user, @command) = @_;
	my ($out, $err) = ('', '');

	$emulator->clear;
	IPC::Run::run([ @command, '-h', $node->host, '-p', $node->port, '-U', $user ], '<', \undef, '>', \$out, '2>', \$err)
	  or die "@command: $err";
	is($emulator->calls, 'none', "$command[0] by $user makes no call");
	return $out;
}

# which of the secrets are in a text
sub secrets_in
{
	my ($text) = @_;

	return join ' ', grep { index($text, $_) >= 0 } @secrets;
}

$node->safe_psql('postgres', 'GRANT USAGE ON FOREIGN SERVER lent TO keyed');
$node->safe_psql('postgres', "GRANT USAGE ON SCHEMA $_ TO stranger; GRANT SELECT ON ALL TABLES IN SCHEMA $_ TO stranger") foreach sort keys %servers;
$node->safe_psql('postgres', 'GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC');

my @pg_dump = (qw(pg_dump -d postgres));
my @pg_dumpall = (qw(pg_dumpall --no-role-passwords -l postgres));
my $whole = dump_by('superuser', @pg_dump);

is(secrets_in($whole), "@own $secret_key", "a superuser's dump has the keys of all mappings, and nothing of the machine's");
is(secrets_in(dump_by('superuser', @pg_dumpall)), "@own $secret_key", '... pg_dumpall as well');
foreach my $user (qw(stranger plain))
{
	my $text = dump_by($user, @pg_dump);

	like($text, qr/CREATE USER MAPPING FOR keyed SERVER lent;/, "a dump of $user has the mappings of others, without what is in them");
	is(secrets_in($text), '', '... no secret');
	is(secrets_in(dump_by($user, @pg_dumpall)), '', '... and pg_dumpall none, either');
}
is(secrets_in(dump_by('keyed', @pg_dump)), "@own", 'a dump has the keys of who makes it, where they may use the server');
is(secrets_in(dump_by('owner', @pg_dump)), $secret_key, "... and the owner's those for PUBLIC");

# ---------------------------------------------------------------------
# Restoring
# ---------------------------------------------------------------------

# restore(USER): what a database has of servers and keys, and the messages of restoring the dump there
sub restore
{
	my ($user) = @_;
	my $file = PostgreSQL::Test::Utils::tempdir() . '/dump.sql';
	my ($out, $err) = ('', '');

	append_to_file($file, $whole);
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS restored');
	$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0 OWNER owner');
	$node->safe_psql('restored', 'CREATE EXTENSION appconfig_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER appconfig_fdw TO owner');
	$emulator->clear;
	IPC::Run::run([ 'psql', '-XAtq', '-d', $node->connstr('restored'), '-U', $user, '-v', 'VERBOSITY=verbose', '-f', $file ],
		'<', \undef, '>', \$out, '2>', \$err);
	return ($node->safe_psql('restored', q{
		SELECT string_agg(srvname, ' ' ORDER BY srvname) FROM pg_foreign_server
		UNION ALL SELECT string_agg(DISTINCT srvname, ' ') FROM pg_user_mappings WHERE umoptions::text LIKE '%secret%'}), $err);
}

my ($there, $messages) = restore('owner');

is($emulator->calls, 'none', 'restoring by who is no superuser makes no call');
is((split /\n/, $there)[0], 'closed', '... which leaves the servers without ambient_credentials');
like($messages, qr/ERROR:  42501: permission denied to set option "ambient_credentials"/, '... and is told why');
is(secrets_in($messages), '', '... without a secret');
($there, $messages) = restore('superuser');
is($there, join(' ', sort keys %servers) . "\nclosed confined lent roled shared", 'a superuser restores all of them');
is($messages, '', '... without a message');
is(join(' ', $emulator->calls, signers()), 'GetExperimentRun 1 keyed', '... and with the calls for the materialized view, which it fills as its owner');
is(whoami('superuser', 'lent'), $arns{machine}, '... and nothing else has changed');

done_testing();
