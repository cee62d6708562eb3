"""What a query has in it: a name for each kind that the generators are to cover, and how it is told.

Kinds are told from the text and settings of the query alone, so that a generator cannot claim what it does not
make, and join methods from PostgreSQL's plans.
"""

import re
from collections import Counter

_KEY = (r't\d+\."(?:application_id|application_name|experiment_definition_id|experiment_definition_name|run|n|app|def|'
        r'app_name|def_name|environment_id|environment_name|configuration_profile_id|configuration_profile_name)"')
_RUN = r't\d+\."(?:run|n)"'
_COLUMN = r't\d+\."\w+"'
_ROW = rf"\({_COLUMN}(?:, {_COLUMN})+\)"
_NUMBER = r"\(?-?\d+\)?"
_REST = r"[^\n]*"

#: Name and pattern, by subject; sought in settings and statements as they are executed.
FEATURES = {
    "keys": {
        "key = value": rf"{_KEY} = (?:'|\(?-?\d|shared\.same)",
        "value = key": rf"(?:'|\d|\)) = {_KEY}",
        "key IN": rf"{_KEY} IN \((?!SELECT|VALUES)",
        "key = ANY (array)": rf"{_KEY} = ANY \((?:'|ARRAY\[)",
        "key = ANY (parameter)": rf"{_KEY} = ANY \(\$",
        "key = parameter": rf"{_KEY} = \$",
        "key IN with a parameter": rf"{_KEY} IN \([^()]*\$",
        "key = (SELECT)": rf"{_KEY} = \(SELECT",
        "key = ANY (ARRAY(SELECT))": rf"{_KEY} = ANY \(ARRAY\(SELECT",
        "key = ANY of an array column": rf"{_KEY} = ANY \(\(SELECT",
        "key IN (SELECT)": rf"{_KEY} IN \(SELECT",
        "row IN": rf"{_ROW} IN \(\(",
        "row IN (SELECT)": rf"{_ROW} IN \(SELECT",
        "row IN (VALUES)": rf"{_ROW} IN \(VALUES",
        "row =": rf"{_ROW} = \(",
        "row < <= > >=": rf"{_ROW} [<>]=? \(",
        "OR of key combinations": rf'\({_KEY} = [^()]* AND [^()]*\) OR \({_KEY} = ',
        "OR": r" OR ",
        "run < <= > >=": rf"{_RUN} [<>]=? ",
        "run BETWEEN": rf"{_RUN} BETWEEN ",
        "run BETWEEN SYMMETRIC": rf"{_RUN} BETWEEN SYMMETRIC",
        "run < ANY": rf"{_RUN} [<>]=? ANY",
        "row IN of many rows": r" IN \((?:\([^()]*\), ){40}",
        "product of keys": rf"\({_KEY} = ANY \([^\n]* AND {_KEY} = ANY \(",
        "run = ANY of many": rf"{_RUN} = ANY \('{{(?:\"?\d+\"?,){{9}}",
        "region": r'"region" (?:=|IN|<>|LIKE|>|IS) ',
        "region of a join": r"= l\.region",
        "key of a join": rf"{_KEY} = (?:{_KEY}|l\.|a\.)",
    },
    "no keys": {
        "key IS NULL": rf"{_KEY} IS NULL",
        "key IS NOT NULL": rf"{_KEY} IS NOT NULL",
        "NOT": r"NOT \(",
        "NOT IN": rf"{_KEY} NOT IN \((?!SELECT)",
        "NOT IN (SELECT)": r"NOT IN \(SELECT",
        "row NOT IN": rf"{_ROW} NOT IN",
        "<> ALL": rf"{_KEY} <> ALL",
        "= ALL": rf"{_KEY} = ALL",
        "<>": rf"{_KEY} <> [^A]",
        "IS DISTINCT FROM": r"IS DISTINCT FROM",
        "IS NOT DISTINCT FROM": r"IS NOT DISTINCT FROM",
        "IS TRUE and its like": r"IS (?:NOT )?(?:TRUE|FALSE|UNKNOWN)",
        "CASE": r"CASE ",
        "text < <= > >=": rf"{_COLUMN} [<>]=? (?:'|\$)",
        "LIKE": r" (?:NOT )?LIKE ",
        "ILIKE": r" ILIKE ",
        "regular expression": r" ~ '",
        "SIMILAR TO": r"SIMILAR TO",
        "function of a key": r"(?:lower|length|trim|md5|reverse|substr|starts_with|abs|strpos)\(",
        "arithmetic on run": rf"{_RUN}(?:::numeric)? [-+*%] ",
        "volatile function": r"volatile_same|random\(\)",
    },
    "types": {
        **{f"run and {kind}": rf"{_RUN} (?:=|[<>]=?) (?:ANY \()?(?:{_NUMBER}|'[^']*'){escaped}(?!\w)"
           for kind, escaped in (("smallint", "::smallint"), ("integer", "::integer"), ("bigint", "::bigint"),
                                 ("a domain", "::shared"))},
        "run and numeric": rf"{_RUN}::numeric|{_RUN} = [^ ]*::numeric|{_RUN} = \d+\.\d|\"runn\"",
        "run and double precision": rf"{_RUN}::double",
        "run as text": rf"{_RUN}::text = |experiment_run_number::int",
        "run and smallint column": r'"run2"',
        "run and bigint column": r'"run8"|t\d+\."n" = t\d+\."run"|t\d+\."run" = t\d+\."n"',
        "cast of a key": rf"{_KEY}::(?!text COLLATE)",
        **{f"text and {kind}": rf"'::{kind}" for kind in ("varchar", "name", "bpchar", "shared")},
        "varchar columns": r"\bruns_varchar|profiles_varchar|events_varchar|\"vapp\"",
        "name columns": r"runs_name|definitions_name|\"ndef\"",
        "domain columns": r"runs_domain|treatments_domain|\"drun\"|\"ddef\"",
        "char columns": r'"capp"',
        "C collation": r'runs_c\b|COLLATE "C"',
        "ICU collation": r"runs_icu|en-x-icu",
        "nondeterministic collation": r"\w_nd\b|nocase|\"ndapp\"|\"nddef\"",
        "columns dropped and added": r"runs_altered",
        "whole row": r"SELECT t\d(?:,|\.\*|::|\)|\n| IS)|SELECT \(t\d|SELECT to_jsonb",
    },
    "joins": {
        "inner": r"\n  JOIN (?!LATERAL)",
        "inner in WHERE": r"CROSS JOIN",
        "left": r"LEFT JOIN (?!LATERAL)",
        "right": r"RIGHT JOIN",
        "full": r"FULL JOIN",
        "USING": r"USING \(",
        "three tables": r"JOIN[\s\S]*\n  (?:[A-Z]+ )?JOIN",
        "with a local table": r"(?:JOIN|FROM) shared\.\w+ AS[\s\S]*JOIN|JOIN shared\.",
        "with VALUES": r"\(VALUES [^\n]* AS \w+\(",
        "with unnest": r"unnest\(",
        "with generate_series": r"generate_series\(",
        "LATERAL": r"LATERAL",
        "EXISTS": r"(?<!NOT )EXISTS \(",
        "NOT EXISTS": r"NOT EXISTS",
        "correlated subquery in SELECT": r"SELECT [^\n]*\((?:SELECT [^\n]*|SELECT) FROM",
        "exposures": r"shared\.exposures",
        "only nested loops": r"enable_hashjoin = off[\s\S]*enable_mergejoin = off",
        "only hash joins": r"enable_nestloop = off[\s\S]*enable_mergejoin = off",
        "only merge joins": r"enable_nestloop = off[\s\S]*enable_hashjoin = off",
    },
    "shapes": {
        "aggregate": r"(?:count|sum|min|max|avg|bool_or|bool_and|string_agg|array_agg)\(",
        "GROUP BY": r"GROUP BY",
        "ROLLUP or CUBE": r"ROLLUP|CUBE",
        "HAVING": r"HAVING",
        "FILTER": r"FILTER \(",
        "DISTINCT": r"SELECT DISTINCT (?!ON)",
        "DISTINCT ON": r"DISTINCT ON",
        "count(DISTINCT)": r"count\(DISTINCT",
        "window": r" OVER \(",
        "ORDER BY": r"\nORDER BY",
        "LIMIT": r"LIMIT \d",
        "OFFSET": r"OFFSET \d",
        "scrolling cursor": r"(?<!NO )SCROLL CURSOR",
        "cursor that does not scroll": r"NO SCROLL CURSOR",
        "cursor WITH HOLD": r"WITH HOLD",
        "backward": r"BACKWARD|PRIOR|ABSOLUTE|RELATIVE -",
        "CTE": r"WITH w AS",
        "CTE MATERIALIZED": r"AS MATERIALIZED",
        "CTE NOT MATERIALIZED": r"NOT MATERIALIZED",
        "CTE RECURSIVE": r"RECURSIVE",
        "UNION": r"UNION(?! ALL)\n",
        "UNION ALL": r"UNION ALL\n",
        "INTERSECT": r"INTERSECT",
        "EXCEPT": r"EXCEPT",
        "custom plan": r"force_custom_plan",
        "generic plan": r"force_generic_plan",
        "plan by PostgreSQL's choice, executed often": r"= auto;[\s\S]*(?:EXECUTE[^\n]*\n){6}",
        "parameter that is NULL": r"EXECUTE q\([^\n]*NULL",
        "partitions": r"all_regions",
        "view": r"done_runs|guarded_runs",
        "view with a security barrier": r"guarded_runs",
        "query in a function": r"shared\.(?:count_runs|run_status|runs_of)",
        "INSERT ... SELECT": r"INSERT INTO",
    },
}
_COMPILED = {name: re.compile(pattern) for group in FEATURES.values() for name, pattern in group.items()}
_JOIN_NODE = re.compile(r"(?:->  |^)(?:Parallel )?(Nested Loop(?: \w+ Join)?|(?:Hash|Merge)(?: \w+)? Join)$", re.MULTILINE)
_OTHER_NODES = re.compile(r"(?:->  |^)(Memoize|Materialize|Gather|Incremental Sort|Foreign Scan|Append|Merge Append|SubPlan \d+|"
                          r"CTE Scan|WindowAgg|Unique|HashAggregate|MixedAggregate|SetOp \w+)", re.MULTILINE)


def of_query(text):
    """Names of what a query has, from its settings and statements."""
    return [name for name, pattern in _COMPILED.items() if pattern.search(text)]


def of_plan(plan):
    """Names of the nodes that matter in a plan without costs."""
    return {*_JOIN_NODE.findall(plan), *(re.sub(r" \d+$", "", node) for node in _OTHER_NODES.findall(plan))}


def absent(counts):
    """Kinds that no query had."""
    return [name for name in _COMPILED if not counts[name]]


def report(queries, planned, plans):
    """Lines that tell how many queries had each kind, and each node in their plans."""
    for subject, group in FEATURES.items():
        yield f"# {subject}: " + ", ".join(f"{name} {queries[name]}" for name in group)
    yield f"# plans of {planned} of them: " + ", ".join(f"{name} {count}" for name, count in sorted(Counter(plans).items()))
