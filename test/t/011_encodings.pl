# Databases that are not UTF-8.  A key that UTF-8 cannot express finds no row, as over a
# copy; what the service calls its things is compared in UTF-8, so that a name beyond the
# database's encoding is an error only in a row that a query reads.

use strict;
use warnings;
use utf8;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use Encode qw(encode);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $emulator = start_emulator();
my $node = new_node('encodings');

# what only UTF-8 has, Thai and an emoji
my $beyond = "\x{0E01}\x{1F600}";

# encoding => the bytes of a text that is valid there, but not in UTF-8; a name that it has
my %databases = (
	UTF8 => { name => "caf\x{E9}" },
	WIN1251 => { bad => '98', name => "\x{43C}\x{430}\x{433}\x{430}\x{437}\x{438}\x{43D}", perl => 'cp1251' },
	EUC_KR => { bad => 'c9a1', name => "\x{D55C}\x{AD6D}", perl => 'euc-kr' },
	LATIN1 => { name => "caf\x{E9}", perl => 'iso-8859-1' },
	SQL_ASCII => { bad => 'ff', name => "caf\x{E9}" });

sub definition
{
	my ($application, $id, $name) = @_;

	return { ApplicationId => $application, Id => $id, Name => $name, Status => 'IDLE', FlagKey => 'f',
		ConfigurationProfileId => 'prof001', EnvironmentId => 'envi001', Treatments => [],
		Control => { Key => 'c', Weight => 100 }, CreatedAt => '2026-01-01T00:00:00.000Z', UpdatedAt => '2026-01-01T00:00:00.000Z' };
}

sub add_application
{
	my ($id, $name) = @_;

	$emulator->mutate('put', kind => 'application', document => { Id => $id, Name => $name });
}

sub add_run
{
	my ($application, $definition, $name) = @_;

	$emulator->mutate('put', kind => 'definition', document => definition($application, $definition, $name));
	$emulator->mutate('start_run', application => $application, definition => $definition);
}

# a text by its bytes, however it got there: an SQL literal
sub literal
{
	my ($hex) = @_;

	return "E'" . join('', map { "\\x$_" } $hex =~ /../g) . "'";
}

sub encoded
{
	my ($database, $text) = @_;

	return literal(unpack('H*', encode($databases{$database}{perl} // 'UTF-8', $text)));
}

sub query { return $node->safe_psql(@_); }

sub state_of
{
	my ($database, $sql) = @_;
	my (undef, undef, $err) = $node->psql($database, "\\set VERBOSITY sqlstate\n$sql");

	return AppConfigTest::sqlstate_of($err);
}

foreach my $database (sort keys %databases)
{
	$node->safe_psql('postgres', qq{
		CREATE DATABASE "$database" ENCODING '$database' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0});
	my $url = $emulator->url;
	$node->safe_psql($database, qq{
		CREATE EXTENSION appconfig_fdw;
		CREATE SERVER emulated FOREIGN DATA WRAPPER appconfig_fdw
			OPTIONS (region 'us-east-1', endpoint '$url', max_get_rate '0', max_list_rate '0');
		CREATE USER MAPPING FOR CURRENT_USER SERVER emulated
			OPTIONS (access_key_id '$access_key', secret_access_key '$secret_key');
		IMPORT FOREIGN SCHEMA appconfig FROM SERVER emulated INTO public});
}

# ---------------------------------------------------------------------
# Keys that UTF-8 cannot express
# ---------------------------------------------------------------------

my $shop = "application_id = 'shop4x1' AND experiment_definition_id = 'addcrt1'";
my @columns = qw(application_id application_name experiment_definition_id experiment_definition_name status region);

foreach my $database (grep { $databases{$_}{bad} } sort keys %databases)
{
	my $bad = literal($databases{$database}{bad});

	$emulator->clear;
	foreach my $column (@columns)
	{
		is(query($database, "SELECT count(*) FROM experiment_runs WHERE $column = $bad"), 0, "$database: $column = a constant")
		  unless $column eq 'status';
		is(query($database, "SELECT count(*) FROM experiment_runs WHERE $shop AND $column = $bad"), 0,
			"$database: $column = a constant, with others");
		is(query($database, qq{
				PREPARE q(text) AS SELECT count(*) FROM experiment_runs WHERE $shop AND $column = \$1;
				SET plan_cache_mode = force_generic_plan;
				EXECUTE q($bad)}), 0, "$database: $column = a parameter");
		is(query($database, "SELECT count(*) FROM experiment_runs WHERE $shop AND ($column = ANY (ARRAY[$bad, $bad || 'x']) OR $column IS NULL)"),
			0, "$database: $column in an array") unless $column =~ /name|status/;
	}
	is($emulator->calls, 'none', "$database: no call for what no identifier can be");
	foreach my $column (@columns)
	{
		is(query($database, "SELECT count(*) FROM (VALUES ($bad), ($bad || 'x')) AS l(k) JOIN experiment_runs ON $column = l.k WHERE $shop"),
			0, "$database: $column joined");
		is(query($database, qq{
				SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
				SELECT count(*) FROM (VALUES ($bad), ($bad || 'x')) AS l(k) JOIN experiment_runs ON $column = l.k WHERE $shop}),
			0, "$database: $column joined by a nested loop");
	}
	$emulator->clear;
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE experiment_definition_name = ANY (ARRAY[$bad])"), 0,
		"$database: in an array alone");
	is($emulator->calls, 'none', "$database: no call for that either");
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE application_id IN ('shop4x1', $bad) AND experiment_definition_id = 'addcrt1'"),
		3, "$database: what can be one is found beside");
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE (application_id, experiment_definition_id) IN (($bad, 'addcrt1'), ('shop4x1', 'addcrt1'))"),
		3, "$database: in rows, too");
	is(query($database, "SELECT count(*) FROM (VALUES ($bad), ('shop4x1')) AS l(k) JOIN experiment_runs ON application_id = l.k WHERE experiment_definition_id = 'addcrt1'"),
		3, "$database: and in joins");
}

# ---------------------------------------------------------------------
# Names that the database cannot hold
# ---------------------------------------------------------------------

# an application without runs is in no row of theirs
add_application('beyond1', $beyond);
foreach my $database (sort keys %databases)
{
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE application_name LIKE 'store%' AND experiment_definition_id = 'addcrt1'"),
		3, "$database: a pattern, and a name in no row");
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE application_name = 'storefront' AND experiment_definition_id = 'addcrt1'"),
		3, "$database: a name, and another one in no row");
}

add_run('beyond1', 'beyondd', "$beyond too");
$emulator->mutate('put_raw_run', application => 'beyond1', definition => 'beyondd', run => 1,
	text => JSON::PP->new->ascii->encode({
		ApplicationId => 'beyond1', ExperimentDefinitionId => 'beyondd', Run => 1, Status => 'RUNNING',
		TreatmentOverrides => { Inline => { within => 'c', $beyond => 'c' } },
		ExperimentDefinitionSnapshot => { Control => { Key => 'c', FlagValue => { AttributeValues => {
			within => { StringValue => 'x' }, $beyond => { $beyond => 1 } } } } } }));
foreach my $database (sort keys %databases)
{
	my $own = $databases{$database}{name};
	my $name = encoded($database, $own);
	my $holds = $database =~ /UTF8|SQL_ASCII/;
	my $all = query($database, "SELECT count(*) FROM experiment_definitions");

	is(query($database, "SELECT count(*) FROM experiment_runs WHERE application_name = 'storefront'"), 6, "$database: by a name");
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE application_name IN ('storefront', $name)"), 6, "$database: by names");
	is(query($database, "SELECT max(application_name) FROM experiment_runs WHERE application_name = 'storefront'"), 'storefront',
		"$database: and the name is read");
	is(query($database, "SELECT count(*) FROM experiment_definitions WHERE experiment_definition_name = 'add-to-cart-button'"), 1,
		"$database: by a definition's name");
	is(query($database, "SELECT count(*) FROM experiment_definitions WHERE experiment_definition_id = 'addcrt1' AND experiment_definition_name LIKE 'add%'"), 1,
		"$database: by its id, and a pattern of its name");
	is(query($database, "SELECT count(*) FROM treatments WHERE application_name = 'storefront' AND experiment_definition_name = 'add-to-cart-button' AND run = 1"),
		query($database, "SELECT count(*) FROM treatments WHERE $shop AND run = 1"), "$database: by names and a run");
	is(query($database, "SELECT count(experiment_definition_id) FROM experiment_definitions"), $all, "$database: of rows whose names are not read");

	my $beyond_row = "FROM experiment_runs WHERE application_id = 'beyond1'";
	is(query($database, "SELECT count(*), max(run) $beyond_row"), '1|1', "$database: of that row, too");
	foreach my $reads ("SELECT application_name $beyond_row", "SELECT experiment_definition_name $beyond_row",
		"SELECT count(*) $beyond_row AND application_name LIKE '%x%'", "SELECT count(*) FROM experiment_runs WHERE application_name LIKE 'store%'",
		"SELECT * FROM applications")
	{
		my $state = state_of($database, "$reads;");

		if ($holds) { like($state, qr/^none/, "$database: $reads") }
		else { is($state, '22P05', "$database: $reads") }
	}

	# without pushdown everything is fetched, but only what is read is converted
	my $off = 'SET appconfig_fdw.enable_pushdown = off;';
	is(query($database, "LOAD 'appconfig_fdw'; $off SELECT count(*), max(run) FROM experiment_runs WHERE $shop"), '3|3',
		"$database: without pushdown");
	$emulator->clear;
	query($database, "LOAD 'appconfig_fdw'; $off SELECT count(run) FROM experiment_runs WHERE $shop");
	like($emulator->calls, qr/GetExperimentRun \d{2}/, "$database: which still reads all documents");
	is(state_of($database, "LOAD 'appconfig_fdw'; $off SELECT count(*) FROM experiment_runs WHERE application_name LIKE 'store%';"),
		'22P05', "$database: without pushdown, every row's name is read where one is") unless $holds;

	# ... whatever it is made of: an entity, an attribute, the name of a kind of value
	foreach my $equal ([ 'treatment_overrides', "entity_id = 'within'" ], [ 'attribute_values', "attribute_key = 'within'" ],
		[ 'attribute_values', "value_type = 'string'" ], [ 'attribute_values', "'within' = attribute_key" ])
	{
		my ($table, $clause) = @$equal;

		is(query($database, "SELECT count(*) FROM $table WHERE application_id = 'beyond1' AND run = 1 AND $clause"), 1,
			"$database: $table, $clause");
		is(state_of($database, "SELECT * FROM $table WHERE application_id = 'beyond1' AND run = 1;"), '22P05',
			"$database: $table, all of it") unless $holds;
	}

	# what is equal to one text is not another one, be that beyond the encoding; key or not
	foreach my $set ('', "LOAD 'appconfig_fdw'; $off")
	{
		foreach my $equal ("= 'storefront'", "= ANY (ARRAY['storefront', $name])", "= 'storefront'::varchar")
		{
			is(query($database, "$set SELECT application_id, application_name FROM applications WHERE application_name $equal"),
				'shop4x1|storefront', "$database: $set applications, application_name $equal");
		}
		is(query($database, "$set SELECT count(*) FROM experiment_runs WHERE application_name = 'storefront'"), 6,
			"$database: $set runs of a name");
		is(query($database, "$set SELECT count(*) FROM applications WHERE 'storefront' = application_name AND description IS NULL"),
			query($database, "SELECT count(*) FROM applications WHERE application_id = 'shop4x1' AND description IS NULL"),
			"$database: $set the other way round");
	}
}

# names in the database's own encoding
foreach my $database (sort keys %databases)
{
	my $own = $databases{$database}{name};
	my $name = encoded($database, $own);

	add_application('own0001', $own);
	add_run('own0001', 'ownd001', "$own x");
	is(query($database, "SELECT count(*) FROM experiment_runs WHERE application_name = $name AND experiment_definition_name = $name || ' x' AND run >= 1"),
		1, "$database: a name that it has");
	is(query($database, "SELECT encode(convert_to(application_name, 'UTF8'), 'hex') FROM experiment_runs WHERE application_name = $name"),
		unpack('H*', encode('UTF-8', $own)), "$database: as it is read") unless $database eq 'SQL_ASCII';
	$emulator->mutate('delete_application', application => 'own0001');
}

$node->stop;
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no backend crashed');

done_testing();
