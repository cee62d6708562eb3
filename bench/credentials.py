#!/usr/bin/python3
"""What do credentials cost the first query of a session, and how soon does a cancelled query end that waits for them?

    credentials.py            all of it, a minute
    credentials.py --quick    few repetitions

Measures as bench.py does, on the server that PGHOST, PGPORT and PGUSER name, as a superuser, in a database of its own,
with emulators of its own.  Needs also a C compiler and pg_config: the AWS variables are set in the backends by the
function that the tests have for it (test/t/environment.c).
"""

import argparse
import base64
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request

import bench

ARN = "arn:aws:iam::111122223333:role"
LOOK_UP = """SELECT exposure_percentage FROM {}.experiment_runs WHERE application_id = 'shop4x1' """ \
          """AND experiment_definition_id = 'addcrt1' AND run = 2;"""


class Emulator(bench.Emulator):
    def fault(self, **rule):
        """The one fault in force from now on; without arguments none is."""
        request = urllib.request.Request(f"{self.url}/_emulator/faults", method="POST",
                                         data=json.dumps([rule] if rule else []).encode())
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60):
            pass


class Machine:
    """The files and the library that the sources need, in a directory that others can read."""

    def __init__(self, stack):
        self.directory = tempfile.mkdtemp(prefix="appconfig-credentials-")
        stack.callback(shutil.rmtree, self.directory)
        os.chmod(self.directory, 0o755)
        token = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=")
                         for part in (b'{"alg":"RS256"}', b'{"sub":"me"}', b"x" * 256))
        self.token = self._file("token", token)
        self.profiles = self._file("config", f"""
            [profile keys]
            aws_access_key_id = {bench.KEY}
            aws_secret_access_key = {bench.SECRET}
            [profile role]
            role_arn = {ARN}/ReportReader
            source_profile = keys""".replace("            ", ""))
        self.library = os.path.join(self.directory, "environment.so")
        include = subprocess.run([os.environ.get("PG_CONFIG", "pg_config"), "--includedir-server"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout.strip()
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", f"-I{include}", "-o", self.library,
                        bench.TOP / "test/t/environment.c"], check=True)

    def _file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def sources(self, url):
        """Name → options of the server, and the environment of its backends."""
        keys = {"AWS_ACCESS_KEY_ID": bench.KEY, "AWS_SECRET_ACCESS_KEY": bench.SECRET}
        web = {"AWS_WEB_IDENTITY_TOKEN_FILE": self.token, "AWS_ROLE_ARN": f"{ARN}/PodReader"}
        return {
            "mapping": ({}, {}),
            "mapping_role": ({"role_arn": f"{ARN}/ReportReader"}, {}),
            "environment": ({"ambient_credentials": "environment"}, keys),
            "profile": ({"ambient_credentials": "profile"}, {"AWS_CONFIG_FILE": self.profiles, "AWS_PROFILE": "keys"}),
            "profile_role": ({"ambient_credentials": "profile"},
                             {"AWS_CONFIG_FILE": self.profiles, "AWS_PROFILE": "role"}),
            "web_identity": ({"ambient_credentials": "web_identity"}, web),
            "container": ({"ambient_credentials": "container"},
                          {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container/credentials/task"}),
            "instance": ({"ambient_credentials": "instance"},
                         {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url, "AWS_METADATA_SERVICE_TIMEOUT": "60"}),
            "whoami": ({}, {}),
        }


def attach(admin, schema, emulator, options, sts=None):
    bench.attach(admin, schema, emulator, sts_endpoint=sts or emulator.url, **options)
    if "ambient_credentials" in options:
        admin.run(f"DROP USER MAPPING FOR CURRENT_USER SERVER {schema};")


def begin(session, environment):
    """Loads the library, and sets the variables."""
    session.run("SELECT count(*) FROM appconfig_fdw_stats();\n" + "\n".join(
        f"SELECT FROM set_environment('{name}', '{value}');" for name, value in environment.items()))


# ------------------------------------------------------------------------
# 1. The first query
# ------------------------------------------------------------------------

def measure_first(admin, machine, repetitions):
    rows = {}
    for latency in 0, bench.LATENCY:
        with Emulator("--data", "standard", "--latency-ms", str(latency)) as emulator:
            for source, (options, environment) in machine.sources(emulator.url).items():
                if source == "whoami":
                    continue
                schema = f"{source}_{latency}"
                attach(admin, schema, emulator, options)
                first, second = [], []
                for _ in range(repetitions):
                    with bench.Session() as session:
                        begin(session, environment)
                        emulator.forget()
                        first += session.timed(LOOK_UP.format(schema))[0]
                        operations = emulator.stats()["operations"]
                        # another run: this one may be kept
                        second += session.timed(LOOK_UP.format(schema).replace("run = 2", "run = 1"))[0]
                del operations["GetExperimentRun"]
                row = rows.setdefault(source, [sum(operations.values()), ", ".join(sorted(operations)) or "none"])
                row[1:1] = [statistics.median(first), statistics.median(second)]
    bench.print_table(
        "1. What the first query of a session pays for its credentials: a look-up of one run, and then one of another",
        [f"median of {repetitions} sessions; calls: beside the one for the run"],
        ["source", "calls", f"first, {bench.LATENCY} ms", "second", "first, 0 ms", "second", "which calls"],
        [(source, *row) for source, row in rows.items()])


# ------------------------------------------------------------------------
# 2. Cancel
# ------------------------------------------------------------------------

@contextlib.contextmanager
def deaf_port():
    """A URL whose port's queue is full, so that nobody answers who connects."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def cancel(admin, environment, query, is_reached):
    """Milliseconds from the request to cancel the query to the end of its psql."""
    failure = []

    def run(session):
        try:
            session.run(query)
        except RuntimeError as error:
            failure.append(str(error))

    with bench.Session() as session:
        begin(session, environment)
        pid, = session.run("SELECT pg_backend_pid();")
        thread = threading.Thread(target=run, args=(session,))
        thread.start()
        while not is_reached(pid):
            time.sleep(0.005)
        start = time.monotonic()
        admin.run(f"SELECT pg_cancel_backend({pid});")
        thread.join()
        taken = time.monotonic() - start
    if not failure or "canceling statement" not in failure[0]:
        raise RuntimeError(f"not cancelled: {failure}")
    return taken * 1000


def is_waiting(admin, pid):
    return admin.run("SELECT count(*) FROM pg_stat_activity "
                     f"WHERE pid = {pid} AND wait_event_type = 'Extension';") == ["1"]


#: Operation, and the source that asks
ENDPOINTS = (("AssumeRole", "mapping_role"), ("AssumeRoleWithWebIdentity", "web_identity"),
             ("GetCallerIdentity", "whoami"), ("ContainerCredentials", "container"), ("MetadataToken", "instance"),
             ("MetadataRole", "instance"), ("MetadataCredentials", "instance"))


def measure_cancel(admin, machine, repetitions):
    rows = []
    with Emulator("--data", "standard") as emulator, deaf_port() as deaf:
        here, there = machine.sources(emulator.url), machine.sources(deaf)
        patient = {"connect_timeout": "1h", "request_timeout": "1h"}
        for source, (options, _) in here.items():
            attach(admin, source, emulator, {**patient, **options})
            attach(admin, f"deaf_{source}", emulator, {**patient, **options}, sts=deaf)
        for operation, source in ENDPOINTS:
            def query(schema):
                return (f"SELECT * FROM appconfig_fdw_whoami('{schema}');" if source == "whoami"
                        else LOOK_UP.format(schema))

            def is_reached(pid):
                stats = emulator.stats()
                return stats["in_flight"] == 1 and operation in stats["operations"] and is_waiting(admin, pid)

            row = [operation]
            for fault in {"kind": "hang"}, {"kind": "drip", "ms": 1000}:
                times = []
                for _ in range(repetitions):
                    while emulator.stats()["in_flight"] > 0:
                        time.sleep(0.005)
                    emulator.forget()
                    emulator.fault(operation=operation, **fault)
                    times.append(cancel(admin, here[source][1], query(source), is_reached))
                row += [statistics.median(times), max(times)]
            emulator.fault()
            if operation in ("MetadataRole", "MetadataCredentials"):
                row += [None, None]         # over a connection that the token was got by
            else:
                times = [cancel(admin, there[source][1], query(f"deaf_{source}"), lambda pid: is_waiting(admin, pid))
                         for _ in range(repetitions)]
                row += [statistics.median(times), max(times)]
            rows.append(row)
    bench.print_table(
        "2. Cancel: milliseconds from pg_cancel_backend() to the end of the query's psql",
        [f"median and longest of {repetitions}, each in a new session"],
        ["waits for", "answer", "longest", "rest of the body", "longest", "connection", "longest"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few repetitions")
    repetitions = 3 if parser.parse_args().quick else 9
    with contextlib.ExitStack() as stack:
        machine = Machine(stack)
        postgres = stack.enter_context(bench.Session("postgres"))
        postgres.run(f"DROP DATABASE IF EXISTS {bench.DATABASE} WITH (FORCE);\n"
                     f"CREATE DATABASE {bench.DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';")
        stack.callback(postgres.run, f"DROP DATABASE {bench.DATABASE} WITH (FORCE);")
        admin = stack.enter_context(bench.Session())
        admin.run("CREATE EXTENSION appconfig_fdw; CREATE FUNCTION set_environment(text, text) RETURNS void "
                  f"AS '{machine.library}' LANGUAGE C;")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
        measure_first(admin, machine, repetitions)
        measure_cancel(admin, machine, repetitions)


if __name__ == "__main__":
    main()
