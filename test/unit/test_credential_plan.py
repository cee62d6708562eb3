#!/usr/bin/python3
"""Makes plans of credentials with src/credential_plan.c, and compares.

First AWS's published cases, then what those leave open: every refusal, loops,
files and variables that nobody should have.  Whatever is shown but the steps
themselves is searched for secrets.  The output is TAP.
"""

import json
import os
import pwd
import re
import subprocess
import sys
import tempfile

import tap

CLI = os.path.abspath(os.environ.get("CREDENTIAL_CLI", "build/credential_cli"))
ENVIRONMENT, PROFILE, WEB_IDENTITY, CONTAINER, INSTANCE, ALL = 1, 2, 4, 8, 16, 31
MAX_STEPS = 16
SECRET = "wJalrXUtnFEMI"        # begins each secret here; no message may have it
SANITIZERS = ["ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"]
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": SECRET + "/env"}
NOWHERE = {"AWS_CONFIG_FILE": "/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials"}


def run(arguments, env, directory=None):
    env = dict(env, **{name: os.environ[name] for name in SANITIZERS if name in os.environ})
    output = subprocess.run([CLI] + arguments, env=env, cwd=directory, stdout=subprocess.PIPE, check=True).stdout
    return json.loads(output.decode("utf-8", "surrogateescape"))


def plan(env, sources=ALL, profile=None, directory=None):
    shown = run(["plan", str(sources)] + ([] if profile is None else [profile]), env, directory)
    said = " ".join(filter(None, (shown[name] for name in ("message", "hint", "tried"))))
    if SECRET in said or re.search("[^ -~]", said):
        tap.ok(False, "no secret, and visible ASCII, in messages", said)
    if (shown["outcome"] == "BROKEN") != (shown["message"] is not None):
        tap.ok(False, "a message for what is broken", shown)
    if (shown["outcome"] == "MADE") != bool(shown["steps"]):
        tap.ok(False, "steps for what is made", shown)
    return shown


def kinds(shown):
    return [step["kind"] for step in shown["steps"]]


def broken(shown, source, part, what):
    """It is broken, by that source, for that reason."""
    if tap.same((shown["outcome"], shown["source"]), ("BROKEN", source), f"broken: {what}"):
        tap.matches(f"{shown['message']} {shown['hint'] or ''}", part, f"reason: {what}")
    else:
        tap.diag(shown)


def config_text(profiles, word="profile "):
    lines = []
    for name, properties in profiles.items():
        lines.append(f"[{word}{name}]")
        lines += [f"{key} = {value}" for key, value in properties.items()]
    return "\n".join(lines) + "\n"


class Home:
    """A home directory with AWS's files, as texts or as {profile: {key: value}}."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(os.path.join(directory, ".aws"), exist_ok=True)

    def path(self, name):
        return os.path.join(self.directory, ".aws", name)

    def plan(self, config="", credentials="", env=None, **arguments):
        for name, text in (("config", config), ("credentials", credentials)):
            if isinstance(text, dict):
                text = config_text(text)
            with open(self.path(name), "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        return plan(dict(env or {}, HOME=self.directory), **arguments)


# ------------------------------------------------------------------------
# What AWS has published
# ------------------------------------------------------------------------

# AWS's messages, and parts of ours
ASSUME_ROLE_ERRORS = {
    "profile must contain `source_profile`": "neither source_profile nor credential_source",
    "profile contained both source_profile and credential_source": "source_profile and credential_source exclude",
    "profile missing aws_secret_access_key": "aws_access_key_id is set, and aws_secret_access_key is not",
    "profile missing aws_access_key_id": "aws_secret_access_key is set, and aws_access_key_id is not",
    "profile `B` did not contain credential information": 'profile "B": it has no credentials',
    "profile `A` did not contain credential information": 'profile "A": it has no credentials',
    "could not find source profile B referenced from A": 'profile "A": source_profile "B" does not exist',
    "No profiles were defined": 'there is no profile "A"',
    "profile formed an infinite loop": 'profile "B": source_profile "A" closes a loop',
    "`role_arn` was missing": "web_identity_token_file is set, and role_arn is not",
}
STEP_KINDS = {"AccessKey": "KEYS", "AssumeRole": "ROLE", "WebIdentityToken": "WEB_IDENTITY"}
STEP_NAMES = {"web_identity_token_file": "token_file"}


def expected_step(published):
    (kind, members), = published.items()
    if kind == "NamedSource":
        return {"kind": {"Ec2InstanceMetadata": "INSTANCE"}[members]}
    step = {STEP_NAMES.get(name, name): value for name, value in members.items() if name != "account_id"}
    return dict(step, kind=STEP_KINDS[kind])


def assume_role_case(home, case, what):
    text = config_text(case["input"]["profiles"])
    text += config_text(case["input"].get("sso_sessions", {}), "sso-session ")
    shown = home.plan(text, sources=PROFILE, profile=case["input"]["selected_profile"])
    error = case["output"].get("Error")
    chain = case["output"].get("ProfileChain")
    if "sso" in text:
        broken(shown, "profile", "is set, and single sign-on", what)
    elif error is not None and "profile `A` did not contain" in error:
        tap.same(shown["outcome"], "NONE", what)
        tap.matches(shown["tried"], ASSUME_ROLE_ERRORS[error], what)
    elif error is not None:
        broken(shown, "profile", ASSUME_ROLE_ERRORS[error], what)
    elif tap.same(kinds(shown), [expected_step(step)["kind"] for step in chain], what):
        named = ["role_arn", "external_id", "role_session_name", "access_key_id", "secret_access_key", "token_file"]
        for got, step in zip(shown["steps"], chain):
            expected = dict.fromkeys(named, None)
            expected.update(expected_step(step))
            tap.same({name: got[name] for name in expected}, expected, what)


def run_assume_role(home):
    data = tap.published("assume-role-tests.json")
    for number, case in enumerate(data or [], 1):
        assume_role_case(home, case, f"assume role {number}: {case['docs']}")
    if data:
        tap.same(len(data), 28, "as many published cases as there were: assume role")


CONTAINER_ERRORS = {
    "No environment variables were set to configure ECS provider": ("NONE", "AWS_CONTAINER_CREDENTIALS_FULL_URI is set"),
    "URI did not specify a host": ("BROKEN", "must begin with"),
}


def run_containers():
    data = tap.published("ecs-tests.json")
    for case in data["tests"] if data else []:
        what = f"container: {case['docs']}"
        shown = plan(case["env"], sources=CONTAINER)
        if "Ok" in case["result"]:
            tap.same([step["url"] for step in shown["steps"]], [case["result"]["Ok"]], what)
        else:
            outcome, part = CONTAINER_ERRORS[case["result"]["ErrorContains"]]
            tap.same(shown["outcome"], outcome, what)
            tap.matches(f"{shown['tried']} {shown['hint']}", part, what)
    if data:
        tap.same(len(data["tests"]), 11, "as many published cases as there were: containers")


INSTANCE_ERRORS = {
    "`error` is not a valid endpoint mode": '"error" is no endpoint mode',
    "`IPv7` is not a valid endpoint mode": '"IPv7" is no endpoint mode',
    "invalid uri character": "must not contain spaces",
}


def run_instances(directory):
    data = tap.published("imds-endpoint-tests.json")
    left_out = []
    for number, case in enumerate(data["tests"] if data else []):
        what = f"instance: {case['docs']}"
        if "endpoint_override" in case or "mode_override" in case:
            left_out.append(case["docs"])
            continue
        place = os.path.join(directory, f"instance{number}")
        os.mkdir(place)
        for name, text in case["fs"].items():
            with open(os.path.join(place, name), "w", encoding="utf-8") as file:
                file.write(text)
        shown = plan(dict(case["env"], HOME="/nonexistent"), sources=PROFILE | INSTANCE, directory=place)
        if "Ok" in case["result"]:
            tap.same([step["url"] + "/latest/api/token" for step in shown["steps"]], [case["result"]["Ok"]], what)
        else:
            broken(shown, "instance", INSTANCE_ERRORS[case["result"]["Err"]], what)
    if data:
        tap.same(len(data["tests"]) - len(left_out), 11, "as many published cases as there were: instances")
        tap.diag(f"left out, as there is no such option: {left_out}")


def run_file_locations():
    data = tap.published("file-location-tests.json")
    windows = 0
    for case in data["tests"] if data else []:
        if case["platform"] == "windows":
            windows += 1
            continue
        shown = plan(case["environment"], sources=PROFILE)
        tap.same([shown["profile"], shown["config_path"], shown["credentials_path"]],
                 [case.get("profile", "default"), case["configLocation"], case["credentialsLocation"]],
                 f"files: {case['name']}")
    if data:
        tap.same(len(data["tests"]) - windows, 4, "as many published cases as there were: files")
        tap.diag(f"left out, as they are for Windows: {windows}")


def run_configured_endpoints(home):
    data = tap.published("botocore-configured-endpoint-urls.json")
    left_out = ran = 0
    for suite in data["testSuites"] if data else []:
        text = config_text(suite["profiles"])
        for name, services in suite["services"].items():
            text += f"[services {name}]\n"
            for service, properties in services.items():
                text += f"{service} =\n" + "".join(f"  {key} = {value}\n" for key, value in properties.items())
        with open(home.path("config"), "w", encoding="utf-8") as file:
            file.write(text)
        for case in suite["endpointUrlTests"]:
            if case["client_config"] != "default":
                left_out += 1
                continue
            ran += 1
            env = dict(suite["environments"][case["environment"]], HOME=home.directory)
            expected = case["output"]["endpointUrl"]
            shown = run(["service", case["service"], case["profile"]], env)
            tap.same(shown["url"], None if expected.endswith(".amazonaws.com") else expected,
                     f"configured endpoint: {case['name']}")
    if data:
        tap.same(ran, 19, "as many published cases as there were: configured endpoints")
        tap.diag(f"left out, as they are about a client's own option: {left_out}")


# Of the published chains: what the plan is.  What is asked then is not its matter.
CHAINS = {
    "assume_role_override_global_env_url": ("profile", ["KEYS", "ROLE"], "http://aws.global-env-override"),
    "assume_role_override_global_profile_url": ("profile", ["KEYS", "ROLE"], "http://aws.global-profile-override"),
    "assume_role_override_service_env_url": ("profile", ["KEYS", "ROLE"], "http://aws.sts-env-override"),
    "assume_role_override_service_profile_url": ("profile", ["KEYS", "ROLE"], "http://aws.service-profile-override"),
    "credential_process": "credential_process",
    "credential_process_account_id_fallback": "credential_process",
    "credential_process_failure": "credential_process",
    "credential_process_invalid": "credential_process",
    "e2e_assume_role": ("profile", ["KEYS", "ROLE"]),
    "e2e_fips_and_dual_stack_sts": ("profile", ["KEYS", "ROLE"]),
    "empty_config": None,
    "invalid_config": "line 2: property did not have a name",
    "invalid_sso_credentials_config": "single sign-on",
    "region_override": ("profile", ["KEYS", "ROLE"]),
    "retry_on_error": ("profile", ["KEYS", "ROLE"]),
    "sso_credentials": "single sign-on",
    "sso_override_global_env_url": "single sign-on",
    "sso_token": "single sign-on",
    "e2e_fips_and_dual_stack_sso": "single sign-on",
    "ecs_assume_role": ("profile", ["CONTAINER", "ROLE"]),
    "ecs_credentials": ("container", ["CONTAINER"]),
    "ecs_credentials_invalid_profile": ("container", ["CONTAINER"]),
    "eks_pod_identity_credentials": ("container", ["CONTAINER"]),
    "eks_pod_identity_no_token_file": ("container", ["CONTAINER"]),
    "environment_variables": ("environment", ["KEYS"]),
    "environment_variables_blank": ("profile", ["KEYS"]),
    "imds_assume_role": ("profile", ["INSTANCE", "ROLE"]),
    "imds_config_with_no_creds": ("instance", ["INSTANCE"]),
    "imds_default_chain_error": ("instance", ["INSTANCE"]),
    "imds_default_chain_retries": ("instance", ["INSTANCE"]),
    "imds_default_chain_success": ("instance", ["INSTANCE"]),
    "imds_disabled": None,
    "imds_no_iam_role": ("profile", ["INSTANCE", "ROLE"]),
    "imds_token_fail": ("profile", ["INSTANCE", "ROLE"]),
    "prefer_environment": ("environment", ["KEYS"]),
    "profile_name": ("profile", ["KEYS"]),
    "profile_overrides_web_identity": "AWS_ACCESS_KEY_ID is not set",
    "profile_static_keys": ("profile", ["KEYS"]),
    "profile_static_keys_case_insensitive": ("profile", ["KEYS"]),
    "sso_assume_role": "single sign-on",
    "sso_no_token_file": "single sign-on",
    "sso_server_error": "single sign-on",
    "web_identity_source_profile_no_env": "web_identity_token_file is set, and role_arn is not",
    "web_identity_token_env": ("web_identity", ["WEB_IDENTITY"]),
    "web_identity_token_invalid_jwt": ("profile", ["WEB_IDENTITY", "ROLE"]),
    "web_identity_token_profile": ("profile", ["WEB_IDENTITY"]),
    "web_identity_token_source_profile": ("profile", ["WEB_IDENTITY", "ROLE"]),
}


def chain_case(root, name, case, sources):
    env = dict(case["env"])
    if "HOME" in env:
        env["HOME"] = root + env["HOME"]
    for path, text in case.get("fs", {}).items():
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        with open(root + path, "w", encoding="utf-8") as file:
            file.write(text)
    shown = plan(env, sources)
    expected = CHAINS[name]
    if expected is None:
        tap.same(shown["outcome"], "NONE", f"chain: {name}")
    elif isinstance(expected, str):
        tap.same(shown["outcome"], "BROKEN", f"chain: {name}")
        tap.matches(shown["message"], expected, f"chain: {name}")
    else:
        tap.same([shown["source"], kinds(shown)], list(expected[:2]), f"chain: {name}")
        tap.same(shown["sts_endpoint"], (expected + (None,))[2], f"chain: {name} (STS)")
        enabled = "fips_and_dual_stack" in name
        tap.same((shown["use_fips"], shown["use_dualstack"]), (enabled, enabled), f"chain: {name} (variants)")


def run_chains(directory):
    ran = 0
    for file, sources in (("default-credential-provider-chain.json", ALL), ("profile-provider.json", PROFILE)):
        data = tap.published(file)
        for name, case in data["cases"].items() if data else ():
            # both files have some of a name
            chain_case(os.path.join(directory, f"chain{ran}"), name, case, sources)
            ran += 1
    if ran:
        tap.same(ran, 47, "as many published cases as there were: chains")


def run_logins(home):
    data = tap.published("login-provider-test-cases.json")
    for number, case in enumerate(data or []):
        broken(home.plan(case["configContents"], sources=PROFILE, profile="signin"), "profile",
               'login_session is set, and "aws login" is not supported', f"login {number}: {case['documentation']}")


# ------------------------------------------------------------------------
# What those leave open
# ------------------------------------------------------------------------

def run_environment():
    env = dict(KEYS, **NOWHERE)
    shown = plan(dict(env, AWS_SESSION_TOKEN="token", AWS_CREDENTIAL_EXPIRATION="2026-11-25T10:14:22Z"))
    step = shown["steps"][0]
    tap.same([shown["source"], step["access_key_id"], step["secret_access_key"], step["session_token"], step["expires_at"]],
             ["environment", "AKIDENV", SECRET + "/env", "token", 1795601662], "keys, token and expiry")
    step = plan(dict(env, AWS_SESSION_TOKEN=" \t", AWS_CREDENTIAL_EXPIRATION=""))["steps"][0]
    tap.same([step["session_token"], step["expires_at"]], [None, 0], "blanks are no token and no expiry")
    for name in KEYS:
        for value in (None, "", "   "):
            partial = dict(env)
            del partial[name]
            partial.update({} if value is None else {name: value})
            broken(plan(partial), "environment", f"{name} is not", f"without {name} ({value!r})")
    for name in list(KEYS) + ["AWS_SESSION_TOKEN"]:
        for value in (SECRET + "\n", " " + SECRET, SECRET + "\r\nX-Header: 1", SECRET + "\x7f", SECRET + "é"):
            broken(plan(dict(env, **{name: value})), "environment", f"{name} has characters", f"{name} of {value!r}")
    broken(plan(dict(env, AWS_CREDENTIAL_EXPIRATION=SECRET)), "environment", "ISO 8601", "an expiry that is none")
    shown = plan({"AWS_SESSION_TOKEN": SECRET, "AWS_EC2_METADATA_DISABLED": "true", **NOWHERE})
    tap.same(shown["outcome"], "NONE", "a token alone is nothing")


def run_order(home):
    keys = {"default": {"aws_access_key_id": "AKIDPROFILE", "aws_secret_access_key": SECRET + "/profile"}}
    web = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
    container = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2"}
    env = dict(KEYS, **web, **container)
    disabled = {"AWS_EC2_METADATA_DISABLED": "TRUE"}
    names = ["environment", "profile", "web_identity", "container", "instance"]
    for number, name in enumerate(names):
        # without those before it
        sources = ALL & ~((1 << number) - 1)
        tap.same(home.plan(keys, env=env, sources=sources)["source"], name, f"{name} is the first of those that are asked")
        shown = home.plan(keys, env=env, sources=1 << number)
        tap.same([shown["source"], shown["tried"]], [name, ""], f"{name} alone")
    shown = home.plan(env=disabled)
    tap.same(re.findall(r"(?:^|; )(\w+): ", shown["tried"]), names, "each source is told of")
    tap.same([shown["outcome"], shown["source"], shown["message"]], ["NONE", None, None], "nothing at all")
    tap.same(home.plan(env=env, sources=0)["outcome"], "NONE", "no source is asked")
    tap.same(plan(KEYS, sources=ENVIRONMENT)["config_path"], None, "no file is looked at for the environment alone")
    broken(home.plan("[default", env=KEYS), None, 'config", line 1', "a file that is broken, whatever the source")


def run_files(home):
    directory = home.directory
    passwd = pwd.getpwuid(os.geteuid()).pw_dir
    for env in ({}, {"HOME": ""}):
        tap.same(plan(env, sources=PROFILE)["config_path"], f"{passwd}/.aws/config", f"the passwd entry's home: {env}")
    shown = plan({"HOME": "/h", "AWS_CONFIG_FILE": "~/a", "AWS_SHARED_CREDENTIALS_FILE": "~x/b"}, sources=PROFILE)
    tap.same([shown["config_path"], shown["credentials_path"]], ["/h/a", "~x/b"], "a tilde is the home")
    home.plan()
    for name, expected in (("AWS_PROFILE", "one"), ("AWS_DEFAULT_PROFILE", "two")):
        env = {"HOME": directory, "AWS_DEFAULT_PROFILE": "two", **({name: "one"} if name == "AWS_PROFILE" else {})}
        broken(plan(env, sources=PROFILE), "profile", f'no profile "{expected}"', f"{name} names a profile that is missing")
        shown = home.plan({expected: {"aws_access_key_id": "k", "aws_secret_access_key": "s"}}, env=env, sources=PROFILE)
        tap.same([shown["outcome"], shown["profile"]], ["MADE", expected], f"{name} names a profile")
        home.plan()
    broken(home.plan(sources=ALL, profile="mine", env={"AWS_PROFILE": "other"}), "profile", 'no profile "mine"',
           "the caller's profile is missing")
    for shown in (home.plan(sources=PROFILE, profile="default"), home.plan(env={"AWS_PROFILE": "default"}, sources=PROFILE)):
        tap.same(shown["outcome"], "NONE", "nobody need have a default profile")
    tap.same(home.plan(env={"AWS_PROFILE": " "}, sources=PROFILE)["profile"], "default", "a blank AWS_PROFILE")

    fifo = os.path.join(directory, "fifo")
    os.mkfifo(fifo)
    large = os.path.join(directory, "large")
    with open(large, "wb") as file:
        file.truncate(1024 * 1024 + 1)
    for path, part in ((fifo, "not a regular file"), (directory, "not a regular file"), (large, "too large")):
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            broken(plan({"HOME": directory, name: path}), None, f'could not read "{path}": it is {part}', f"{name}: {part}")
    shown = plan({"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}, sources=PROFILE)
    tap.same(shown["outcome"], "NONE", "/dev/null is no file")
    shown = plan({"HOME": "/" + "é\n" * 2000}, sources=PROFILE)
    tap.same([shown["outcome"], "...\"" in shown["tried"]], ["NONE", True], "long paths are cut")
    broken(home.plan("[default]\nrole_arn = a\nsource_profile = " + "\x1b\xe9" * 200 + "\n", sources=PROFILE), "profile",
           'source_profile "???', "names are made visible")
    broken(home.plan(b"[default]\nkey\n"), None, 'config", line 2: expected', "config names its line")
    broken(home.plan("", b"[default]\n\0"), None, 'credentials", line 2: found a zero byte', "credentials, too")
    tap.same(home.plan()["is_current"], 1, "the files have not changed meanwhile")


# a profile and the reason why it is refused
REFUSED_PROFILES = [
    ({"sso_session": "x"}, "sso_session is set, and single sign-on"),
    ({"sso_start_url": "https://x"}, "sso_start_url is set, and single sign-on"),
    ({"sso_account_id": "1"}, "sso_account_id is set, and single sign-on"),
    ({"sso_role_name": "x"}, "sso_role_name is set, and single sign-on"),
    ({"sso_region": "x"}, "sso_region is set, and single sign-on"),
    ({"login_session": "arn:x"}, 'login_session is set, and "aws login"'),
    ({"credential_process": "/bin/true " + SECRET}, "credential_process is set, and a program"),
    ({"sso_session": "x", "aws_access_key_id": "k", "aws_secret_access_key": SECRET}, "sso_session is set"),
    ({"credential_process": "x", "login_session": "y"}, "login_session is set"),
    ({"role_arn": "arn:x", "source_profile": "keys", "mfa_serial": "arn:y"}, "mfa_serial is set"),
    ({"role_arn": "arn:x", "web_identity_token_file": "/t", "mfa_serial": "arn:y"}, "mfa_serial is set"),
    ({"role_arn": "arn:x", "credential_source": "Nobody"}, 'credential_source "Nobody" is unknown'),
    ({"role_arn": "arn:x", "credential_source": "Environment"}, "Environment, and AWS_ACCESS_KEY_ID is not set"),
    ({"role_arn": "arn:x", "credential_source": "EcsContainer"}, "EcsContainer, and neither"),
    ({"role_arn": "arn:x", "credential_source": "Ec2InstanceMetadata", "web_identity_token_file": "/t"}, "exclude each other"),
    ({"role_arn": "arn:x", "source_profile": "p"}, 'profile "p": it has no credentials'),
    ({"role_arn": "a b", "source_profile": "keys"}, "role_arn has blanks"),
    ({"role_arn": "arn:\xe9", "source_profile": "keys"}, "role_arn has blanks"),
    ({"role_arn": "arn:x", "source_profile": "keys", "external_id": "a b"}, "external_id has blanks"),
    ({"role_arn": "arn:x", "source_profile": "keys", "role_session_name": "a\tb"}, "role_session_name has blanks"),
    ({"aws_access_key_id": "k", "aws_secret_access_key": SECRET + "\n continued"}, "aws_secret_access_key has characters"),
    ({"aws_access_key_id": "k", "aws_secret_access_key": ""}, "aws_secret_access_key is not"),
]


def run_profiles(home):
    keys = {"aws_access_key_id": "AKIDPROFILE", "aws_secret_access_key": SECRET, "aws_session_token": "token"}
    for properties, part in REFUSED_PROFILES:
        shown = home.plan({"p": properties, "keys": keys}, sources=ALL, profile="p")
        broken(shown, "profile", part, f"{properties}".replace(SECRET, "..."))
        if "single sign-on" in part or "mfa" in part or "login" in part or "credential_process" in part:
            tap.matches(shown["hint"], "role_arn", f"what to do instead of {list(properties)[0]}")
    role = {"role_arn": "arn:x", "source_profile": "keys"}
    for text, duration in (("900", 900), ("43200", 43200), ("03600", 3600), ("", 3600)):
        shown = home.plan({"p": dict(role, duration_seconds=text), "keys": keys}, sources=PROFILE, profile="p")
        tap.same([step["duration"] for step in shown["steps"]], [0, duration], f"duration_seconds {text!r}")
    for text in ("899", "43201", "-900", "9e2", "900s", "99999999999999999999", "1 000"):
        broken(home.plan({"p": dict(role, duration_seconds=text), "keys": keys}, sources=PROFILE, profile="p"), "profile",
               "duration_seconds is invalid", f"duration_seconds {text!r}")
    shown = home.plan({"p": dict(role, external_id="e/:", role_session_name="s@"), "keys": keys}, sources=PROFILE, profile="p")
    tap.same([[step["role_arn"], step["external_id"], step["role_session_name"], step["session_token"]]
              for step in shown["steps"]], [[None, None, None, "token"], ["arn:x", "e/:", "s@", None]], "what steps have")
    for refused in ("sso_session", "login_session", "credential_process", "credential_source", "web_identity_token_file"):
        shown = home.plan({"p": role, "keys": dict(keys, **{refused: "x"})}, sources=PROFILE, profile="p")
        tap.same(kinds(shown), ["KEYS", "ROLE"], f"keys of a source_profile count before {refused}")
    shown = home.plan({"p": {"credential_source": "environment"}}, env=KEYS, sources=PROFILE, profile="p")
    tap.same([shown["source"], kinds(shown)], ["profile", ["KEYS"]], "credential_source without a role")
    shown = home.plan({"p": {"role_arn": "arn:x", "credential_source": "ec2instancemetadata"}}, sources=PROFILE, profile="p",
                      env={"AWS_EC2_METADATA_DISABLED": "true"})
    broken(shown, "profile", "AWS_EC2_METADATA_DISABLED is true", "credential_source and no metadata service")
    shown = home.plan("[profile p]\naws_access_key_id = old\naws_secret_access_key = old\n", "[p]\naws_secret_access_key = new\n",
                      sources=PROFILE, profile="p")
    tap.same([shown["steps"][0]["access_key_id"], shown["steps"][0]["secret_access_key"]], ["old", "new"],
             "the credentials file wins, key by key")


def chain_of(roles, last):
    """Profiles p1 to pN that each name the next, and that name last."""
    profiles = {f"p{n}": {"role_arn": f"arn:{n}", "source_profile": f"p{n + 1}"} for n in range(1, roles + 1)}
    profiles[f"p{roles}"].update(last)
    return profiles


def run_long_chains(home):
    keys = {"keys": {"aws_access_key_id": "k", "aws_secret_access_key": "s"}}
    for roles in range(1, MAX_STEPS + 2):
        shown = home.plan({**chain_of(roles, {"source_profile": "keys"}), **keys}, sources=PROFILE, profile="p1")
        arns = [None] + [f"arn:{n}" for n in range(roles, 0, -1)]
        if roles < MAX_STEPS:
            tap.same([step["role_arn"] for step in shown["steps"]], arns, f"a chain of {roles} roles")
        else:
            broken(shown, "profile", "one too many in a chain", f"a chain of {roles} roles")
    for length in range(2, MAX_STEPS + 2):
        shown = home.plan(chain_of(length, {"source_profile": "p1"}), sources=PROFILE, profile="p1")
        part = '"p1" closes a loop' if length <= MAX_STEPS else "one too many in a chain"
        broken(shown, "profile", part, f"a loop of {length} profiles")
    shown = home.plan(chain_of(3, {"source_profile": "p2"}), sources=PROFILE, profile="p1")
    broken(shown, "profile", '"p2" closes a loop', "a loop behind the first profile")
    broken(home.plan(chain_of(1, {"source_profile": "p1"}), sources=PROFILE, profile="p1"), "profile",
           "it has no credentials", "a profile that names itself and has no keys")
    shown = home.plan(chain_of(2, {"source_profile": "p2"}), sources=PROFILE, profile="p1")
    broken(shown, "profile", 'profile "p2": it has no credentials', "a chain to such a profile")
    # each of the two lengths that the base can have
    for roles in (MAX_STEPS - 1, MAX_STEPS):
        profiles = chain_of(roles, {"credential_source": "Environment"})
        del profiles[f"p{roles}"]["source_profile"]
        shown = home.plan(profiles, env=KEYS, sources=PROFILE, profile="p1")
        if roles < MAX_STEPS:
            tap.same(len(shown["steps"]), MAX_STEPS, "as many steps as there may be")
        else:
            broken(shown, "profile", 'profile "p1": its role is one too many', "a step too many")
    names = {f"n{number}": {"role_arn": "arn:x", "source_profile": f"n{number + 1}"} for number in range(10000)}
    broken(home.plan(names, sources=PROFILE, profile="n0"), "profile", "one too many in a chain", "10 000 profiles in a chain")


def run_web_identity():
    env = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:x", "AWS_ROLE_SESSION_NAME": "name"}
    step = plan(env, sources=WEB_IDENTITY)["steps"][0]
    tap.same([step["token_file"], step["role_arn"], step["role_session_name"], step["duration"]],
             ["/token", "arn:x", "name", 3600], "web identity")
    broken(plan(dict(env, AWS_ROLE_ARN=" "), sources=ALL & ~PROFILE), "web_identity", "AWS_ROLE_ARN is not",
           "web identity without a role")
    for name in ("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME"):
        broken(plan(dict(env, **{name: "a b"}), sources=WEB_IDENTITY), "web_identity", f"{name} has blanks", f"a blank in {name}")
    shown = plan({"AWS_ROLE_ARN": "arn:x"}, sources=WEB_IDENTITY)
    tap.same(shown["tried"], "web_identity: AWS_WEB_IDENTITY_TOKEN_FILE is not set", "a role alone")


# a full URI of a container, and what is asked, or a part of the reason against it
CONTAINER_URLS = [
    ("http://127.0.0.1/a", "http://127.0.0.1/a", 0),
    ("http://127.1.2.3:8080/a", "http://127.1.2.3:8080/a", 0),
    ("http://[::1]:8080/a?b=c&d", "http://[::1]:8080/a?b=c&d", 0),
    ("HTTP://LOCALHOST/A", "http://localhost/A", 0),
    ("http://localhost", "http://localhost/", 0),
    ("http://169.254.170.2:80/a", "http://169.254.170.2/a", 0),
    ("https://10.0.0.1/a//b/", "https://10.0.0.1/a//b/", 1),
    ("https://host.example:443/x", "https://host.example/x", 1),
]
REFUSED_CONTAINER_URLS = [
    ("http://169.254.169.254/latest/", "only loopback"),
    ("http://169.254.170.3/a", "only loopback"),
    ("http://169.254.170.23.example/a", "only loopback"),
    ("http://127.0.0.1.example/a", "only loopback"),
    ("http://localhost.example/a", "only loopback"),
    ("http://10.0.0.1/a", "only loopback"),
    ("http://0.0.0.0/a", "only loopback"),
    ("http://[fd00:ec2::254]/a", "only loopback"),
    ("http://[::]/a", "only loopback"),
    ("http://[::ffff:127.0.0.1]/a", "host"),
    ("http://2130706433/a", "host"),
    ("http://127.1/a", "host"),
    ("http://0x7f.0.0.1/a", "host"),
    ("http://localhost./a", "host"),
    ("http://127.0.0.1@evil.example/a", "user name"),
    ("http://user:" + SECRET + "@localhost/a", "user name"),
    ("https://user@host.example/a", "user name"),
    ("http://localhost:0/a", "port"),
    ("http://localhost:99999/a", "port"),
    ("http://localhost:80x/a", "port"),
    ("http://localhost\\@evil.example/a", "backslashes"),
    ("http://localhost/a\\b", "may contain only"),
    ("http://localhost/a b", "may contain only"),
    ("http://localhost/a\r\nX: y", "may contain only"),
    ("http://localhost/a\x7f", "may contain only"),
    ("http://localhost/\xe9", "may contain only"),
    ("http://localhost/a#b", "may contain only"),
    ("http://localhost/a%2fb", "may contain only"),
    ("http://localhost/a/../b", 'segments "." or ".."'),
    ("http://localhost/.", 'segments "." or ".."'),
    ("http://localhost/..?a", 'segments "." or ".."'),
    ("http://localhost?a", "must begin with a slash"),
    ("http://localhost#a", "must begin with a slash"),
    ("http:///a", "host"),
    ("http:/localhost/a", "must begin with"),
    ("ftp://localhost/a", "must begin with"),
    ("file:///etc/passwd", "must begin with"),
    ("//localhost/a", "must begin with"),
    ("a://http://localhost/a", "must begin with"),
    ("http://localhost/" + "a" * 3000, "too long"),
]
REFUSED_CONTAINER_PATHS = ["a", "@evil.example/", ".evil.example/", ":80/", "//../a", "/a#b", "/a b", "/a\nb", "/%2e%2e/a",
                           "/a\\b", "http://localhost/a"]


def run_container_urls():
    full, relative = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
    token, token_file = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    for url, expected, over_tls in CONTAINER_URLS:
        shown = plan({full: url}, sources=CONTAINER)
        tap.same([[step["url"], step["over_tls"]] for step in shown["steps"]], [[expected, over_tls]], f"container at {url}")
    for url, part in REFUSED_CONTAINER_URLS:
        broken(plan({full: url}, sources=CONTAINER | INSTANCE), "container", part, f"no container at {url!r:.70}")
    for path in REFUSED_CONTAINER_PATHS:
        shown = plan({relative: path, full: "http://localhost/a"}, sources=CONTAINER)
        broken(shown, "container", f"{relative} cannot be used", f"no container at the path {path!r}")
    tap.same(plan({relative: "//a"}, sources=CONTAINER)["steps"][0]["url"], "http://169.254.170.2//a", "a path with two slashes")
    for value in ("Basic " + SECRET, SECRET):
        step = plan({relative: "/a", token: value}, sources=CONTAINER)["steps"][0]
        tap.same([step["authorization"], step["token_file"]], [value, None], f"Authorization of {len(value)} characters")
    step = plan({relative: "/a", token: SECRET, token_file: "/t"}, sources=CONTAINER)["steps"][0]
    tap.same([step["authorization"], step["token_file"]], [None, "/t"], "the token in a file wins")
    for value in (SECRET + "\n", SECRET + "\r\nX: y", SECRET + "\t", SECRET + "\xe9"):
        broken(plan({relative: "/a", token: value}, sources=CONTAINER), "container", f"{token} has characters",
               f"{token} of {value!r}")


def run_instance_settings(home):
    endpoint, mode = "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"
    timeout, attempts = "AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS"
    step = plan({}, sources=INSTANCE)["steps"][0]
    tap.same([step["url"], step["timeout"], step["attempts"], step["role_name"]], ["http://169.254.169.254", 1000, 1, None],
             "the instance, by default")
    step = plan({endpoint: "http://localhost:1338/", timeout: "2.5", attempts: "3", "AWS_EC2_METADATA_DISABLED": "false",
                 "AWS_EC2_INSTANCE_PROFILE_NAME": "a+b=c,d.e@f-g_h"}, sources=INSTANCE)["steps"][0]
    tap.same([step["url"], step["timeout"], step["attempts"], step["role_name"]],
             ["http://localhost:1338", 2500, 3, "a+b=c,d.e@f-g_h"], "the instance, as the environment says")
    step = home.plan("[default]\nec2_metadata_service_endpoint = http://h/x/\nec2_instance_profile_name = n\n"
                     "metadata_service_timeout = 5\nmetadata_service_num_attempts = 2\n",
                     sources=PROFILE | INSTANCE)["steps"][0]
    tap.same([step["url"], step["timeout"], step["attempts"], step["role_name"]], ["http://h/x", 5000, 2, "n"],
             "the instance, as the profile says")
    for value in ("true", "True", "TRUE"):
        tap.same(plan({"AWS_EC2_METADATA_DISABLED": value}, sources=INSTANCE)["outcome"], "NONE", f"disabled: {value}")
    for text, expected in (("0.001", 1), ("60", 60000), ("1.0009", 1000), ("007", 7000)):
        tap.same(plan({timeout: text}, sources=INSTANCE)["steps"][0]["timeout"], expected, f"a timeout of {text}")
    for name, values in ((timeout, ["0", "-1", "60.001", "61", "1e1", ".5", "x", "1 ", "0.0001", "9" * 40, "inf", "1,5",
                                    "1.5.1"]),
                         (attempts, ["0", "-1", "1.5", "101", "x", "9" * 40]),
                         (mode, ["IPv5", "ipv4 ", "4"]),
                         (endpoint, ["localhost", "http://a@b", "http://h/?q", "http://h/#f", "ftp://h", "http://h\\x",
                                     "http://h/%2e", "http://h/../x", "http://user:" + SECRET + "@h"]),
                         ("AWS_EC2_INSTANCE_PROFILE_NAME", ["a/b", "..", ".", "a b", "a\nb", "a?b", "x" * 65, "%2e"])):
        for value in values:
            shown = plan({name: value}, sources=INSTANCE)
            tap.same([shown["outcome"], shown["source"]], ["BROKEN", "instance"],
                     f"{name} of {value!r}".replace(SECRET, "..."))


def run_sts(home):
    env = dict(KEYS)
    for name, member in (("FIPS", "use_fips"), ("DUALSTACK", "use_dualstack")):
        variable, key = f"AWS_USE_{name}_ENDPOINT", f"use_{name.lower()}_endpoint"
        for value, expected in (("true", 1), ("TRUE", 1), ("false", 0), (" ", 0)):
            tap.same(home.plan(env=dict(env, **{variable: value}))[member], expected, f"{variable} {value!r}")
            tap.same(home.plan({"default": {key: value}}, env=env)[member], expected, f"{key} {value!r}")
        shown = home.plan({"default": {key: "true"}}, env=dict(env, **{variable: "false"}))
        tap.same(shown[member], 0, f"{variable} before the profile")
        broken(home.plan(env=dict(env, **{variable: "yes"})), "environment", f"{variable} is neither", f"{variable} 'yes'")
        broken(home.plan({"default": {key: "1"}}, env=env), "environment", f"{key} is neither", f"{key} '1'")
    broken(home.plan(env=dict(env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS="x", AWS_ENDPOINT_URL="https://a")), "environment",
           "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is neither", "whether endpoints count")
    for url in ("https://user:" + SECRET + "@h", "h", "https://h/?q", "https://h\\x", "https://h/a b", "https://h#", "ftp://h"):
        broken(home.plan(env=dict(env, AWS_ENDPOINT_URL_STS=url)), "environment", "endpoint of STS",
               f"no STS at {url}".replace(SECRET, "..."))
    shown = plan({"AWS_USE_FIPS_ENDPOINT": "x"}, sources=ENVIRONMENT)
    tap.same(shown["outcome"], "NONE", "no STS matters where there is nothing to ask it with")
    broken(plan({"AWS_ACCESS_KEY_ID": "k", "AWS_USE_FIPS_ENDPOINT": "x"}, sources=ENVIRONMENT), "environment",
           "AWS_SECRET_ACCESS_KEY is not", "the source's reason comes first")
    text = "[default]\nservices = s\n[services s]\nsts =\n  # endpoint_url = https://no\n  Endpoint_URL = https://yes # x\n"
    tap.same(home.plan(text, env=env)["sts_endpoint"], "https://yes", "the services section, in any case of letters")
    tap.same(home.plan(text.replace("services = s", "services = t"), env=env)["sts_endpoint"], None, "no such section")
    tap.same(home.plan("[default]\nendpoint_url = https://a\n", env=env, sources=ENVIRONMENT)["sts_endpoint"], None,
             "profiles that are not asked say nothing")


def main():
    with tempfile.TemporaryDirectory() as directory:
        home = Home(os.path.join(directory, "home"))
        run_assume_role(home)
        run_containers()
        run_instances(directory)
        run_file_locations()
        run_configured_endpoints(home)
        run_chains(directory)
        run_logins(home)
        run_environment()
        run_order(home)
        run_files(home)
        run_profiles(home)
        run_long_chains(home)
        run_web_identity()
        run_container_urls()
        run_instance_settings(home)
        run_sts(home)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
