"""The account's rate limits: token buckets, one for the Get operations and one for the Lists.

A bucket holds one second's worth of calls, at least one, and fills up at its rate; a call that finds it
empty is throttled and takes nothing.  What is asked and by whom is not known here.
"""

import time

#: What the service publishes, in calls per second.
GET_RATE = 100.0
LIST_RATE = 10.0


class Bucket:
    def __init__(self, rate, clock):
        self._rate = rate
        self._size = max(rate, 1.0)
        self._clock = clock
        self._tokens = self._size
        self._filled_at = clock()

    def take(self):
        """Whether there is a call left; it is taken."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Limits:
    def __init__(self, get_rate=GET_RATE, list_rate=LIST_RATE, clock=time.monotonic):
        self._get = Bucket(get_rate, clock)
        self._list = Bucket(list_rate, clock)

    @classmethod
    def parse(cls, text):
        """From "GET,LIST", in calls per second; ValueError if it is not that."""
        rates = [float(rate) for rate in text.split(",")]
        if len(rates) != 2 or not all(0 < rate < float("inf") for rate in rates):
            raise ValueError(text)
        return cls(*rates)

    def take(self, operation):
        """Whether an operation may be called now."""
        return (self._list if operation.startswith("List") else self._get).take()
