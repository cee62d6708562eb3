# What the network has had of secrets is not left in memory.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = "$FindBin::RealBin/../../src";
my $library = PostgreSQL::Test::Utils::tempdir() . '/requesting.so';
my ($include) = run_command([ $ENV{PG_CONFIG} || 'pg_config', '--includedir-server' ]);

system_or_bail($ENV{CC} || 'gcc', '-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', "-I$source", "-I$include", '-o', $library,
	"$FindBin::RealBin/requesting.c", glob("$source/*.o"), '-lcurl', '-lssl', '-lcrypto');

my $emulator = start_emulator();
my $url = $emulator->url . '/roles';
my $node = new_node('wiping');
my $secret = 'k7Hq2ZtYw9RbLx4NvUe8PsMd1Gj5Fc3A' . 'Tz6Xy0Qi';
my $masked = unpack('H*', $secret ^ ("\x55" x length $secret));

$node->safe_psql('postgres', "CREATE FUNCTION leftovers(text, bytea, bool) RETURNS int[] AS '$library' LANGUAGE C");

# The last of these answers is of several pieces, so that the buffer for it grows
foreach my $answer ($secret, "{\"Token\": \"$secret\"}", "$secret " . 'x' x 100_000, 'x' x 50_000 . $secret . 'x' x 50_000)
{
	my $what = length($answer) . ' bytes';

	$emulator->reset;
	$emulator->ctl('fault', 'status', '--status', '200', '--body', $answer);
	my $found = $node->safe_psql('postgres', "SELECT leftovers('$url', '\\x$masked', true)");

	like($found, qr/^\{[1-9]\d*,/, "a secret in an answer of $what is found");
	like($found, qr/,0\}$/, '... and then is not left');
}

$emulator->reset;
$emulator->ctl('fault', 'status', '--status', '200', '--body', 'x' x 50_000 . $secret);
unlike($node->safe_psql('postgres', "SELECT leftovers('$url', '\\x$masked', false)"), qr/,0\}$/, 'what nobody calls a secret is left');

done_testing();
