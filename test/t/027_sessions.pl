# Random steps of several sessions (sessions.py): no query shows a run as it no longer is
#
# Suites: tap, shared

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $steps = $ENV{SESSIONS_STEPS} || 1500;
my $emulator = start_emulator();
my $node = new_node('sessions', 'max_connections = 50');
my ($out, $err) = ('', '');

$ENV{APPCONFIG_ENDPOINT} = $emulator->url;
my $right = IPC::Run::run([ $ENV{PYTHON} || '/usr/bin/python3', "$FindBin::RealBin/sessions.py", '--dsn',
		$node->connstr('postgres'), '--steps', $steps, '--seed', $ENV{SESSIONS_SEED} || 1 ], '<', \undef, '>', \$out, '2>', \$err);
note $out;
ok($right, "$steps steps show no stale row") or diag($err);
my $counts = $right ? decode_json($out) : {};
cmp_ok($counts->{queries} // 0, '>', $steps / 2, 'most of them queries');
cmp_ok($counts->{$_} // 0, '>', $steps / 40, "$_ in between") foreach qw(changes cursors);

unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP|leak/, 'no backend crashed or leaked');

done_testing();
