# The cases that AWS publishes for finding credentials, with the traffic that was recorded for each: what
# is found, from which source, and what goes over the network meanwhile.  A backend believes that it talks
# to AWS (redirect_network.c); replay.py holds its requests against the recorded ones and answers them.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use AppConfigTest;

use File::Basename;
use File::Path qw(make_path);
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# ---------------------------------------------------------------------
# What is expected
# ---------------------------------------------------------------------

# Our words for what AWS's test data have words of one SDK for: SQLSTATE and message, with detail and hint
my %words = (
	none => [ '28000', qr/no AWS credentials/ ],
	sso => [ '28000', qr/SSO/ ],
	process => [ '28000', qr/credential_process/ ],
	plain_http => [ '28000', qr{endpoint of STS.*"http://"}s ],
	token_file_missing => [ '28000', qr/token\.jwt.*No such file or directory/s ],
	no_role => [ '28000', qr/role/ ],
	metadata_forbidden => [ '28000', qr/403/ ],
	environment_empty => [ '28000', qr/AWS_ACCESS_KEY_ID/ ],
	role_arn_missing => [ '28000', qr/role_arn/ ],
	token_refused => [ '28000', qr/InvalidIdentityToken/ ],
	file_malformed => [ '28000', qr/config.*line 2/s ],
);

# What we do not do, and say so, before anything goes over the network
my %refused = map { $_ => 1 } qw(sso process plain_http);

# By file: which sources the server may use, and by case either the source of the credentials that the
# data expect, or the error in our words, above.
my @files = (
	{
		name => 'default-credential-provider-chain.json',
		ambient => 'true',
		source => {
			ecs_assume_role => 'profile',
			ecs_credentials => 'container',
			ecs_credentials_invalid_profile => 'container',
			eks_pod_identity_credentials => 'container',
			environment_variables => 'environment',
			environment_variables_blank => 'profile',
			imds_assume_role => 'profile',
			imds_config_with_no_creds => 'instance',
			imds_default_chain_retries => 'instance',
			imds_default_chain_success => 'instance',
			prefer_environment => 'environment',
			profile_name => 'profile',
			profile_static_keys => 'profile',
			profile_static_keys_case_insensitive => 'profile',
			web_identity_token_env => 'web_identity',
			web_identity_token_profile => 'profile',
			web_identity_token_source_profile => 'profile',
		},
		error => {
			e2e_fips_and_dual_stack_sso => 'sso',
			eks_pod_identity_no_token_file => 'token_file_missing',
			imds_default_chain_error => 'none',
			imds_disabled => 'none',
			imds_no_iam_role => 'no_role',
			imds_token_fail => 'metadata_forbidden',
			profile_overrides_web_identity => 'environment_empty',
			sso_assume_role => 'sso',
			sso_no_token_file => 'sso',
			sso_server_error => 'sso',
			web_identity_source_profile_no_env => 'role_arn_missing',
			web_identity_token_invalid_jwt => 'token_refused',
		},
	},
	{
		# one source alone: keys in the environment are not used, though a case has some
		name => 'profile-provider.json',
		ambient => 'profile',
		source => {
			e2e_assume_role => 'profile',
			e2e_fips_and_dual_stack_sts => 'profile',
			region_override => 'profile',
			retry_on_error => 'profile',
		},
		error => {
			# and once more with https, see below
			assume_role_override_global_env_url => 'plain_http',
			assume_role_override_global_profile_url => 'plain_http',
			assume_role_override_service_env_url => 'plain_http',
			assume_role_override_service_profile_url => 'plain_http',
			credential_process => 'process',
			credential_process_account_id_fallback => 'process',
			credential_process_failure => 'process',
			credential_process_invalid => 'process',
			empty_config => 'none',
			invalid_config => 'file_malformed',
			invalid_sso_credentials_config => 'sso',
			sso_credentials => 'sso',
			sso_override_global_env_url => 'sso',
			sso_token => 'sso',
		},
	},
);

# Variables whose value is a path in the root of the case
my @paths = qw(HOME AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_WEB_IDENTITY_TOKEN_FILE
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE);

# ---------------------------------------------------------------------
# The data, and the stage
# ---------------------------------------------------------------------

my $shared = $ENV{APPCONFIG_SHARED} || "$FindBin::RealBin/../../../shared";
my $data = "$shared/api/aws-credentials";

plan skip_all => "there is no api/aws-credentials in APPCONFIG_SHARED or ../shared" unless -d $data;

my $tmp = PostgreSQL::Test::Utils::tempdir();

$_->{text} = slurp_file("$data/$_->{name}") foreach @files;
$_->{cases} = decode_json($_->{text})->{cases} foreach @files;

my $shim = build_preload('redirect_network');
my %hosts = map { lc $_ => 1 } map { $_->{text} =~ m{"uri":\s*"https?://([a-z][^/":]*)}g } @files;
my ($certificate, $key) = make_own_authority(sort keys %hosts);
my $library = build_calling();
my $node;
{
	# none of ours: the cases have all that they need
	delete local @ENV{ grep { /^AWS_/ } keys %ENV };
	local $ENV{LD_PRELOAD} = $shim;
	local $ENV{REDIRECT_NAMES} = join(',', sort keys %hosts);
	$node = new_node('published');
}
$node->safe_psql('postgres', "CREATE FUNCTION resolve_credentials(server text, environment text[]) RETURNS text AS '$library' LANGUAGE C");

# ---------------------------------------------------------------------
# A case
# ---------------------------------------------------------------------

my $roots = 0;
my $replays = 0;

# The case's files below a directory of its own, and its environment with the directory in front of paths
sub set_up
{
	my ($case) = @_;
	my $root = "$tmp/root" . ++$roots;
	my %environment = (HOME => '/home', %{ $case->{env} });
	my %fs = %{ $case->{fs} || {} };

	foreach my $path (keys %fs)
	{
		make_path("$root" . dirname($path));
		append_to_file("$root$path", $fs{$path} =~ s{(?<==)(\s*)/token\.jwt$}{$1$root/token.jwt}mgr);
	}
	$environment{$_} = "$root$environment{$_}" foreach grep { defined $environment{$_} } @paths;
	return %environment;
}

# The Region as an SDK finds it: here it is an option of the server
sub region_of
{
	my ($case) = @_;
	my $config = $case->{fs}{'/home/.aws/config'} || '';
	my $profile = $case->{env}{AWS_PROFILE} || 'default';
	my ($section) = $config =~ /^\[(?:profile )?\Q$profile\E\]\n((?:[^\[].*\n|\n)*)/m;
	my ($region) = ($section || '') =~ /^region = (\S+)$/m;

	return $case->{env}{AWS_REGION} || $region || 'us-east-1';
}

# When the recorded credentials expire does not matter, but that they are good for an hour
sub later
{
	my ($case) = @_;
	my $result = $case->{test_case}{result}{Ok};

	return $result && $result->{expiry} ? time + 3600 - $result->{expiry} : 0;
}

# start_replay(FILE, CASE, ARGUMENT ...): the traffic's server, with its two ports
sub start_replay
{
	my ($file, $name, @arguments) = @_;
	my $self = { out => '', err => '' };
	my $ready = "$tmp/ready" . ++$replays;

	$self->{run} = IPC::Run::start(
		[
			$ENV{PYTHON} || '/usr/bin/python3', "$FindBin::RealBin/replay.py", '--tls-cert', $certificate,
			'--tls-key', $key, '--ready-file', $ready, '--parent-pid', $$, @arguments, "$data/$file", $name
		],
		'<', \undef, '>', \$self->{out}, '2>', \$self->{err});
	wait_until("the replay of $name", sub {
		die "it did not start: $self->{err}" unless $self->{run}->pumpable;
		$self->{run}->pump_nb;
		return -s $ready;
	});
	@$self{qw(tls metadata)} = split ' ', slurp_file($ready);
	return $self;
}

# Ends it; its report
sub end_replay
{
	my ($self) = @_;

	$self->{run}->signal('TERM');
	$self->{run}->finish;
	is($self->{err}, '', 'the replay has nothing to complain about');
	return decode_json($self->{out});
}

# What is found in an environment: (credentials or undef, messages)
sub resolve
{
	my ($server, %environment) = @_;
	my $list = join(', ', map { "\$q\$$_=$environment{$_}\$q\$" } sort keys %environment);
	my ($status, $out, $err) = $node->psql('postgres', qq{
		\\set VERBOSITY verbose
		SELECT resolve_credentials('$server', ARRAY[$list])});

	return ($out eq '' ? undef : decode_json($out), $err);
}

sub check_credentials
{
	my ($case, $found, $source, $later) = @_;
	my %wanted = %{ $case->{test_case}{result}{Ok} };

	# the account is nothing that we keep
	is($found->{source}, $source, 'the source');
	is($found->{$_} // '', $wanted{$_} // '', $_) foreach qw(access_key_id secret_access_key session_token);
	is($found->{expires_at}, $wanted{expiry} && $wanted{expiry} + $later, 'the expiry');
}

sub check_error
{
	my ($error, $messages) = @_;
	my ($sqlstate, $pattern) = @{ $words{$error} };

	is(sqlstate_of($messages), $sqlstate, 'the SQLSTATE');
	like($messages, $pattern, 'the message');
}

# run_case(FILE, NAME, CASE, ERROR, REPLAY_OPTION ...): with the credentials that the data expect unless ERROR is given
sub run_case
{
	my ($file, $name, $case, $error, @options) = @_;
	my %environment = set_up($case);
	my $later = later($case);
	my $replay = start_replay($file->{name}, $name, '--later', $later, @options);
	my $server = "server$roots";
	my ($region, $found, $messages, $report) = region_of($case);

	$node->safe_psql('postgres', "CREATE SERVER $server FOREIGN DATA WRAPPER appconfig_fdw OPTIONS (region '$region', "
		  . "ambient_credentials '$file->{ambient}', ca_bundle '$certificate')");
	($found, $messages) = resolve($server, %environment, REDIRECT_TLS_PORT => $replay->{tls},
		REDIRECT_METADATA_PORT => $replay->{metadata});
	$report = end_replay($replay);
	if ($error)
	{
		is($found, undef, 'there are no credentials');
		check_error($error, $messages);
	}
	else
	{
		is($messages, '', 'there is no message');
		check_credentials($case, $found, $file->{source}{$name}, $later) if $found;
	}
	if ($error && $refused{$error})
	{
		is($report->{served}, 0, 'no request is made');
	}
	else
	{
		is_deeply($report->{problems}, [], 'the requests are those that were recorded');
	}
}

# ---------------------------------------------------------------------
# What the judge is worth
# ---------------------------------------------------------------------

foreach my $requests (0 .. 2)
{
	my $replay = start_replay('default-credential-provider-chain.json', 'ecs_credentials');
	my $problems;

	HTTP::Tiny->new(no_proxy => ['127.0.0.1'])->get("http://127.0.0.1:$replay->{metadata}/v2/other") for 1 .. $requests;
	$problems = join("\n", @{ end_replay($replay)->{problems} });
	isnt($replay->{run}->result, 0, "the replay fails after $requests requests that are wrong");
	is($problems =~ /was not asked for/, $requests == 0, '... knows whether one is missing');
	is($problems =~ /was GET \/v2\/other/, $requests > 0, '... another one');
	is($problems =~ /was one too many/, $requests > 1, '... or one too many');
}

# ---------------------------------------------------------------------
# All cases
# ---------------------------------------------------------------------

# Refused are those that have the refusal they should have; https, those that are run once more with it
my @columns = ('cases', 'https', 'passed', 'refused', 'failed', 'left out');
my @table;

sub table_line
{
	return sprintf('%-40s' . '%9s' x @columns, @_);
}

foreach my $file (@files)
{
	my %count = (passed => 0, refused => 0, failed => 0);
	my %error = %{ $file->{error} };

	is_deeply([ sort keys %{ $file->{cases} } ], [ sort keys %{ $file->{source} }, keys %error ],
		"each case of $file->{name} is known");
	foreach my $name (sort keys %{ $file->{cases} })
	{
		my $case = $file->{cases}{$name};
		my $error = $error{$name};
		my $is_refused = $error && $refused{$error};
		my $passed;

		is($case->{test_case}{result}{Ok} ? 'credentials' : 'an error', $error && !$is_refused ? 'an error' : 'credentials',
			"... and $name ends as expected here")
		  unless $is_refused;
		$passed = subtest $name => sub { run_case($file, $name, $case, $error) };
		$count{ !$passed ? 'failed' : $is_refused ? 'refused' : 'passed' }++;
	}
	# the same with an endpoint that we take
	foreach my $name (grep { $error{$_} eq 'plain_http' } sort keys %error)
	{
		my $case = decode_json(encode_json($file->{cases}{$name}) =~ s{http://aws\.}{https://aws.}gr);
		my $passed;

		local $file->{source}{$name} = 'profile';
		$passed = subtest "$name with https" => sub { run_case($file, $name, $case, undef, '--secure') };
		$count{ $passed ? 'passed' : 'failed' }++;
	}
	$count{https} = grep { $_ eq 'plain_http' } values %error;
	$count{cases} = keys %{ $file->{cases} };
	$count{'left out'} = $count{cases} + $count{https} - $count{passed} - $count{refused} - $count{failed};
	push @table, table_line($file->{name}, @count{@columns});
}

note $_ foreach table_line('', @columns), @table;

done_testing();
