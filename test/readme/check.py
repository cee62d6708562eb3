#!/usr/bin/python3
"""Do README.md, CONTRIBUTING.md and docs/threat-model.md tell the truth?

    check.py            check it
    check.py --write    put what was found into their outputs and column lists

Runs their SQL in a database of its own on the server that PGHOST, PGPORT and PGUSER name, as a
superuser, with psql from PATH and an emulator of AWS AppConfig beside it, and compares.  The extension must
be installed there.  The last line is "N passed, N failed".  Needs python3-botocore, for the emulator.

An HTML comment in front of a code block or a table says what is to be done with it:

    <!-- setup -->             run before all else
    <!-- run -->               run; "run: plain" prints bare rows, "run: denied" has keys that IAM grants nothing,
                               "run: fails" ends with an error
    <!-- output -->            what the block before it prints
    <!-- recipe: NAME -->      run by test/t/020_recipes.pl, which has servers with an environment of their own
    <!-- printed: NAME -->     what that prints there
    <!-- columns: TABLE -->    the columns of a foreign table, keys with a *
    <!-- options: OBJECT -->   the options of a server, user mapping, table or column, with their defaults
    <!-- policy -->            an IAM policy, of exactly the actions that tables need
    <!-- actions -->           which table needs which of them
    <!-- errors -->            SQLSTATEs and messages
    <!-- suites -->            the suites of script/test, in its order
    <!-- steps -->             files, and in the second column words of code that stand in them
    <!-- threats -->           threats, what is done about them in which files, and which tests of which files show it

Beside these, every file that they or CHANGELOG.md name must be there, the README must name every source file, its
blocks of JSON must be policies, and CONTRIBUTING.md's blocks of sh must run: script/test and script/demo have such
arguments, make such targets, and a command of the emulator's is run.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DATABASE = "appconfig_fdw_readme"
KEYS = {
    "example": ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    "denied": ("AKIDDENIED", "denied-secret"),
}
#: With this begins the row of actions that all tables may need.
ANY_TABLE = "any of these"


class Marked:
    """What follows a marker: its lines, up to the end of the code block, table or paragraph."""

    def __init__(self, name, argument, first, lines):
        self.name, self.argument = name, argument
        self.first, self.last = first, first            # in lines, without fences
        if lines[first].startswith("```"):
            self.first = self.last = first + 1
            while lines[self.last] != "```":
                self.last += 1
        else:
            while self.last < len(lines) and lines[self.last]:
                self.last += 1
        self.lines = lines[self.first:self.last]

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def place(self):
        return f"line {self.first + 1}: {self.name} {self.argument}".rstrip()

    def rows(self):
        """The cells of a table, without its two lines of heading."""
        return [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in self.lines[2:]]


def marked(lines):
    found = []
    for number, line in enumerate(lines):
        marker = re.fullmatch(r"<!-- (\w+)(?:: (.*))? -->", line)
        if marker:
            found.append(Marked(marker[1], marker[2] or "", number + 1, lines))
    return found


def code_words(text):
    return re.findall(r"`([^`]+)`", text)


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, good, *details):
        if good:
            self.passed += 1
            return
        self.failed += 1
        print(f"not ok: {what}")
        for detail in details:
            print(textwrap.indent(str(detail), "    "))

    def equal(self, what, told, true):
        self.check(what, told == true, f"told: {told}", f"true: {true}")


# ------------------------------------------------------------------------
# The server and the emulator
# ------------------------------------------------------------------------

def psql(sql, *arguments, database=DATABASE, check=True):
    """What psql prints, errors included."""
    environment = dict(os.environ, PGTZ="UTC", PGDATESTYLE="ISO", PGCLIENTENCODING="UTF8", LC_ALL="C.UTF-8",
                       PGOPTIONS="-c client_min_messages=warning")
    command = ["psql", "-X", "-q", "-d", database, "-P", "pager=off", "-P", "footer=off", "-P", "null=-",
               "-v", "ON_ERROR_STOP=1", *arguments]
    done = subprocess.run(command, input=sql, env=environment, text=True, encoding="utf-8",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = re.sub(r"^psql:<stdin>:\d+: ", "", done.stdout, flags=re.MULTILINE)
    if check and done.returncode != 0:
        raise RuntimeError(output)
    return output


def rows(sql):
    return [line.split("|") for line in psql(sql, "-A", "-t").splitlines()]


def use_keys(identity):
    key, secret = KEYS[identity]
    psql(f"DROP USER MAPPING FOR CURRENT_USER SERVER appconfig; CREATE USER MAPPING FOR CURRENT_USER SERVER appconfig "
         f"OPTIONS (access_key_id '{key}', secret_access_key '{secret}')")


class Emulator:
    def __enter__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="readme-")
        ready = Path(self._directory.name) / "ready"
        self._process = subprocess.Popen(
            [sys.executable, TOP / "test/emulator/emulator.py", "--data", "demo", "--ready-file", ready,
             "--parent-pid", str(os.getpid())], stdout=subprocess.PIPE, text=True)
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            raise RuntimeError("the emulator did not start")
        return self

    def __exit__(self, *exc):
        self._process.terminate()
        self._process.wait()
        self._process.stdout.close()
        self._directory.cleanup()


def set_up(blocks, endpoint):
    """The README's own set-up, then what differs from it without an AWS account, then the demo's tables."""
    for block in blocks:
        psql(block.text)
    psql(f"ALTER SERVER appconfig OPTIONS (ADD endpoint '{endpoint}', ADD sts_endpoint '{endpoint}')")
    use_keys("example")
    psql("", "-f", TOP / "demo/warehouse.sql")
    psql("", "-f", TOP / "demo/readout.sql")


# ------------------------------------------------------------------------
# SQL
# ------------------------------------------------------------------------

def run(block):
    may_fail = block.argument in ("denied", "fails")
    if block.argument == "denied":
        use_keys("denied")
    try:
        output = psql(block.text, *(["-A", "-t"] if block.argument == "plain" else []), check=not may_fail)
        if may_fail and "ERROR:" not in output:
            raise RuntimeError(f"there was no error: {output}")
        return output
    finally:
        if block.argument == "denied":
            use_keys("example")


def comparable(output):
    """Without what differs between two runs, or two versions of PostgreSQL."""
    output = re.sub(r"request ID [-0-9a-f]+", "request ID 00000000-0000-4000-8000-000000000001", output)
    output = re.sub(r"\b\d+\.\d+ ms\b", "0.000 ms", output)
    output = re.sub(r"\(actual rows=(\d+)(?:\.00)? loops", r"(actual rows=\1 loops", output)
    return [line.rstrip() for line in output.strip("\n").splitlines()]


def check_runs(report, blocks, changes):
    outputs = {}
    previous = None
    for block in blocks:
        if block.name == "run":
            try:
                outputs[block.first] = run(block)
                report.check(block.place, True)
            except RuntimeError as error:
                report.check(block.place, False, error)
        elif block.name == "output":
            true = comparable(outputs.get(previous.first, ""))
            report.check(block.place, comparable(block.text) == true, *true)
            changes.append((block, true))
        previous = block


# ------------------------------------------------------------------------
# Lists
# ------------------------------------------------------------------------

def explained(table, select="*", where="true"):
    """Label → text of what EXPLAIN says about a scan."""
    plan = psql(f"EXPLAIN (COSTS OFF) SELECT {select} FROM appconfig.{table} WHERE {where}", "-A", "-t")
    return dict(re.findall(r"^ *(Operations|Keys): (.*)$", plan, flags=re.MULTILINE))


def some_value(key):
    """A value that the key can have, as a literal: there is one region only."""
    return "(SELECT '1')" if key == "region" else "'1'"


def declared_columns():
    """Table → list of (column, type, is a key)."""
    tables = {}
    for table, column, kind in rows("""
            SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
            FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            WHERE c.relnamespace = 'appconfig'::regnamespace AND c.relkind = 'f' AND a.attnum > 0
            ORDER BY c.relname, a.attnum"""):
        key = kind in ("text", "integer") and "Keys" in explained(table, where=f"{column} = '1'")
        kind = kind.replace("timestamp with time zone", "timestamptz")
        tables.setdefault(table, []).append((column, kind, key))
    return tables


def check_columns(report, blocks, changes):
    tables = declared_columns()
    for block in blocks:
        true = [f"{column}{'*' * key} {kind}" for column, kind, key in tables.get(block.argument, [])]
        report.equal(block.place, " ".join(block.text.split()), ", ".join(true))
        unbroken = ", ".join(column.replace(" ", "\0") for column in true)
        changes.append((block, [line.replace("\0", " ") for line in textwrap.wrap(unbroken, 118)]))
    report.equal("tables with a list of columns", sorted(block.argument for block in blocks), sorted(tables))


def check_actions(report, policies, lists):
    needs = {}
    for names, actions in (row for block in lists for row in block.rows()):
        for name in [ANY_TABLE] if names.startswith(ANY_TABLE) else names.split(", "):
            needs.setdefault(name, set()).update(actions.split(", "))
    together = needs.pop(ANY_TABLE)
    tables = declared_columns()
    report.equal("tables with IAM actions", sorted(needs), sorted(tables))
    for table, columns in tables.items():
        keys = {column for column, _, key in columns if key}
        bound = [set(), keys, *({key} for key in keys), *(keys - {key} for key in keys)]
        called = set()
        for where in [" AND ".join(["true", *(f"{key} = {some_value(key)}" for key in some)]) for some in bound]:
            for select in "*", "count(*)":
                called.update(explained(table, select, where)["Operations"].split(", "))
        more = called - needs.get(table, set()) - together
        report.check(f"IAM actions of {table}", not more, f"also called: {', '.join(sorted(more))}")
    allowed = sorted(action for block in policies for statement in json.loads(block.text)["Statement"]
                     for action in statement["Action"])
    report.equal("actions of the policy", allowed,
                 sorted(f"appconfig:{action}" for action in set.union(together, *needs.values())))


def source_options():
    """Option → default, "required" or nothing, from the table in fdw_options.c."""
    source = (TOP / "src/fdw_options.c").read_text(encoding="utf-8")
    table = source[source.index("static const Option options[]"):]
    table = table[:table.index("{.name = NULL}")]
    options = {}
    for name, rest in re.findall(r'^\t\{\s*"(\w+)",(.*?)\},$', table, flags=re.MULTILINE | re.DOTALL):
        initial = re.search(r'\.initial = "([^"]*)"', rest)
        options[name] = f"`{initial[1]}`" if initial else "required" if "REQUIRED" in rest else ""
    return options


OPTION_TARGETS = {
    "server": "ALTER SERVER appconfig OPTIONS (ADD nosuch '')",
    "user mapping": "ALTER USER MAPPING FOR CURRENT_USER SERVER appconfig OPTIONS (ADD nosuch '')",
    "table": "ALTER FOREIGN TABLE appconfig.applications OPTIONS (ADD nosuch '')",
    "column": "ALTER FOREIGN TABLE appconfig.applications ALTER description OPTIONS (ADD nosuch '')",
}


def check_options(report, blocks):
    options = source_options()
    for block in blocks:
        hint = psql(OPTION_TARGETS[block.argument], check=False)
        valid = re.search(r"^HINT:  Valid options in this context are: (.*)$", hint, flags=re.MULTILINE)
        true = set(valid[1].split(", ")) if valid else set()
        told = {name: row[1] for row in block.rows() for name in code_words(row[0])}
        report.equal(block.place, sorted(told), sorted(true))
        report.equal(f"{block.place}, defaults", told,
                     {name: options[name] for name in told if name in options})
    report.equal("objects with a list of options", sorted(block.argument for block in blocks), sorted(OPTION_TARGETS))


def check_errors(report, blocks):
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((TOP / "src").glob("*.c"))).replace('\\"', '"')
    directory = psql("SELECT setting FROM pg_config WHERE name = 'SHAREDIR'", "-A", "-t").strip()
    names = dict(re.findall(r"^(\w{5}) +E +(ERRCODE_\w+)", Path(directory, "errcodes.txt").read_text(), re.MULTILINE))
    states = {name: state for state, name in names.items()}
    for block in blocks:
        for row in block.rows():
            state, message = row[0], code_words(row[1])[0]
            # whom it is about stands in a table of its own
            found = max(source.find(f'"{text.replace("…", "%s")}') for text in (message, message.replace("AWS AppConfig", "%s")))
            # the code stands before the message, in the same statement
            before = source[max(found - 500, 0):max(found, 0)].rpartition(";")[2]
            macros = re.findall(r"ERRCODE_\w+", before)
            true = states.get(macros[-1]) if macros else state
            report.check(f"{state} {message}", found >= 0 and true == state,
                         "no such message" if found < 0 else f"SQLSTATE {true}")


def check_paths(report, document):
    text = document.text
    for link in sorted(set(re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text))):
        report.check(f"{link} exists", (document.path.parent / link).exists())
    for path in sorted(set(re.findall(r"(?<![\w/.])((?:src|script|demo|test|sql|expected|docs)/[\w./-]*)", text))):
        report.check(f"{path} exists", (TOP / path).exists())
    headings = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
                for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    for anchor in sorted(set(re.findall(r"\]\(#([^)]+)\)", text))):
        report.check(f"there is a heading #{anchor}", anchor in headings)


def check_files(report, text):
    for script in "script/demo", "script/test":
        report.check(f"{script} is named", script in text)
        report.check(f"{script} can be run", os.access(TOP / script, os.X_OK))
    for path in sorted((TOP / "src").glob("*.c")):
        report.check(f"{path.name} is named", re.search(rf"(?<!\w){re.escape(path.name)}", text) is not None)


# ------------------------------------------------------------------------
# What other tests run or show
# ------------------------------------------------------------------------

def check_recipes(report, readme):
    test = (TOP / "test/t/020_recipes.pl").read_text(encoding="utf-8")
    recipes = {block.argument for block in readme.named("recipe")}
    for block in readme.named("recipe", "printed"):
        report.check(f"{block.place} is run", f"'{block.argument}'" in test and block.argument in recipes)


def check_policies(report, text):
    for policy in re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        try:
            report.check("a policy says what it allows",
                         all(one["Effect"] == "Allow" and one["Action"] for one in json.loads(policy)["Statement"]))
        except (ValueError, KeyError, TypeError) as error:
            report.check("a policy can be read", False, error, policy)


def check_threats(report, blocks):
    """What stands as code in a cell is a file, or stands in the file that was named last."""
    report.check("there are threats", any(block.rows() for block in blocks))
    for threat, *cells in (row for block in blocks for row in block.rows()):
        report.equal(f"columns of: {threat}", len(cells), 2)
        for cell in cells:
            source = None
            for word in code_words(cell):
                if (TOP / word).is_file():
                    source = (TOP / word).read_text(encoding="utf-8")
                else:
                    report.check(f"{threat}: `{word}` stands in the file before it", source is not None and word in source)
            report.check(f"{threat}: a file is named", source is not None)


# ------------------------------------------------------------------------
# What contributors are told
# ------------------------------------------------------------------------

def suites():
    return re.search(r'^all="(.*)"$', (TOP / "script/test").read_text(encoding="utf-8"), re.MULTILINE)[1].split()


def check_steps(report, blocks):
    for block in blocks:
        for path, text in block.rows():
            path = code_words(path)[0]
            source = (TOP / path).read_text(encoding="utf-8")
            for word in code_words(text):
                report.check(f"{block.place}: {path} has {word}", word in source)


def runs(command, endpoint):
    """Does a line of a shell run?  What takes long, or has an effect outside of the emulator, is only looked at."""
    program, *arguments = shlex.split(command, comments=True)
    if program in ("script/test", "script/demo"):
        known = ["--keep", *(suites() if program == "script/test" else [])]
        return os.access(TOP / program, os.X_OK) and set(arguments) <= set(known)
    if program == "make":
        tests = re.search(r"^REGRESS = ((?:.*\\\n)*.*)$", (TOP / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1]
        named = [test for argument in arguments if argument.startswith("REGRESS=") for test in argument[8:].split()]
        arguments = ["-n", "-C", TOP, *arguments]
        return set(named) <= set(tests.split()) and subprocess.run(["make", *arguments], capture_output=True).returncode == 0
    environment = dict(os.environ, APPCONFIG_ENDPOINT=endpoint)
    return subprocess.run([TOP / program, *arguments], env=environment, capture_output=True).returncode == 0


def check_commands(report, text, endpoint):
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for command in block.splitlines():
            report.check(f"{command} runs", runs(command, endpoint))


# ------------------------------------------------------------------------

class Document:
    """A file, what is marked in it, and what has been found that it should say."""

    def __init__(self, name):
        self.path = TOP / name
        self.text = self.path.read_text(encoding="utf-8")
        self.lines = self.text.splitlines()
        self.blocks = marked(self.lines)
        self.changes = []

    def named(self, *names):
        return [block for block in self.blocks if block.name in names]

    def write(self):
        for block, true in sorted(self.changes, key=lambda change: -change[0].first):
            self.lines[block.first:block.last] = true
        self.path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")


def check_readme(report, readme):
    check_files(report, readme.text)
    check_runs(report, readme.named("run", "output"), readme.changes)
    check_columns(report, readme.named("columns"), readme.changes)
    check_actions(report, readme.named("policy"), readme.named("actions"))
    check_options(report, readme.named("options"))
    check_errors(report, readme.named("errors"))
    check_recipes(report, readme)
    check_policies(report, readme.text)


def check_contributing(report, contributing, endpoint):
    check_runs(report, contributing.named("run", "output"), contributing.changes)
    told = [row[0] for block in contributing.named("suites") for row in block.rows()]
    report.equal("suites of script/test", told, suites())
    check_steps(report, contributing.named("steps"))
    check_commands(report, contributing.text, endpoint)


def main():
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(__doc__)
    report = Report()
    readme, contributing, changelog, threats = map(
        Document, ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/threat-model.md"))
    for document in readme, contributing, changelog, threats:
        check_paths(report, document)
    check_threats(report, threats.named("threats"))
    psql(f"DROP DATABASE IF EXISTS {DATABASE}", database="postgres")
    psql(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'", database="postgres")
    try:
        with Emulator() as emulator:
            set_up(readme.named("setup"), emulator.url)
            check_readme(report, readme)
            check_contributing(report, contributing, emulator.url)
    finally:
        psql(f"DROP DATABASE {DATABASE}", database="postgres")
    if sys.argv[1:]:
        readme.write()
        contributing.write()
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    main()
