#!/usr/bin/python3
"""Compares the names of src/aws_endpoint.c with the cases that botocore tests its own by.

Left out are those of a custom endpoint, which is an option's matter, and those
of STS's old endpoint for all regions, which is not made.  The output is TAP.
"""

import json
import os
import subprocess
import sys

import tap

CLI = os.environ.get("CREDENTIAL_CLI", "build/credential_cli")

# how many cases there are, and how many of them are run
SERVICES = {"appconfig": (46, 42), "sts": (69, 46)}


def why_left_out(parameters, expected):
    if "Endpoint" in parameters:
        return "of a custom endpoint"
    if expected == "https://sts.amazonaws.com":
        return "of the endpoint for all regions"
    return None


def base_url(service, parameters):
    arguments = [service, parameters.get("Region", "")]
    arguments += [str(int(parameters.get(name, False))) for name in ("UseFIPS", "UseDualStack")]
    return json.loads(subprocess.run([CLI, "region"] + arguments, stdout=subprocess.PIPE, check=True).stdout)


def run_service(service):
    data = tap.published(f"botocore-{service}-endpoint-tests-1.json")
    if data is None:
        return
    left_out = {}
    for case in data["testCases"]:
        parameters = case.get("params", {})
        expected = case["expect"].get("endpoint", {}).get("url")
        reason = why_left_out(parameters, expected)
        if reason is not None:
            left_out.setdefault(reason, []).append(case["documentation"])
            continue
        tap.same(base_url(service, parameters), expected, f"{service}: {case['documentation']}")
    left = sum(map(len, left_out.values()))
    tap.same((len(data["testCases"]), len(data["testCases"]) - left), SERVICES[service],
             f"as many published cases as there were: {service}")
    for reason, names in left_out.items():
        tap.diag(f"{service}: {len(names)} left out, as they are {reason}: {'; '.join(names)}")


def main():
    for service in SERVICES:
        run_service(service)
    sys.exit(tap.done())


if __name__ == "__main__":
    main()
