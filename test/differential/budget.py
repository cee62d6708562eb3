"""max_calls: no statement makes more requests than it may, and none gets other rows by it.

A query that has been run without a limit is run again with one, near what it took or far from it, now and then by a
service that fails.  The emulator's log must show no more requests than the limit for any of its statements.  What
comes out must be the rows that came out before, or the error of the limit; and that error only where there is
reason for it.
"""

import random
from collections import Counter

#: Of the queries that can be, one in so many is run with a limit.
EVERY = 2
#: One of these in so many meets failures of the service.
FAULTY = 8
#: What the error says, and what it says where no call has been made.
STATE = "53400"
BY_KEYS = "the keys of a scan alone take"
#: What a query may fail with as well where the service does.
FAILED = "HV000"


def is_fit(query):
    """Are its requests those of the statements that are counted?  A query in a function has a budget of its own."""
    return query.once and query.number % EVERY == 0


def choose(seed, query, calls):
    """A limit for a query whose statements have made those calls, and how many failures of the service it meets."""
    rng = random.Random(f"{seed}/{query.number}/budget")
    most = max((len(made) for made in calls), default=0)
    limit = rng.choice((1, rng.randint(1, most + 1), max(most // 2, 1), max(most - 1, 1), max(most, 1), most + 1,
                        2 * most + 1))
    return limit, rng.randint(1, 4) if rng.randrange(FAULTY) == 0 else 0


def problem(limit, faults, made, unlimited, error):
    """What is wrong with a statement's requests under a limit, in words, or None.

    unlimited is what it has made without one, and error its message with the detail, or None.
    """
    if len(made) > limit:
        operations = ", ".join(f"{count} {name}" for name, count in Counter(name for name, _ in made).items())
        return f"{len(made)} requests where max_calls is {limit}: {operations}"
    if error is None or faults:
        return None
    if error.startswith(STATE) and BY_KEYS in error and len(unlimited) <= limit:
        return f"refused for its keys, but {len(unlimited)} calls fit into {limit}: {error}"
    # half of it may have gone into what was asked for ahead
    if error.startswith(STATE) and 2 * len(unlimited) <= limit:
        return f"{len(unlimited)} calls fit well into {limit}, but: {error}"
    return None


def is_allowed(error, faults):
    """May a query fail so that does not fail without a limit?"""
    return error.startswith(STATE) or (faults > 0 and error.startswith(FAILED))
