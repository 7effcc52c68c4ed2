"""How long to wait before a server is asked again, and how often it may be asked."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from bench.ground.clock import clock

BASE_S, CAP_S = 0.5, 60.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How an endpoint is treated; `rate_limit` is in requests per minute."""

    timeout_s: float
    retries: int
    rate_limit: float | None


class PassingError(Exception):
    """A fault that may be gone next time; `wait_s` is what the server asked for."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def backoff_s(attempt: int, share: float) -> float:
    """Doubles with each attempt, CAP_S at most; jitter `share` in [0, 1] takes up to half off."""
    return min(CAP_S, BASE_S * 2.0 ** min(attempt, 30)) * (1 - share / 2)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number, or a date, read by the server's own clock."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        now = parsedate_to_datetime(headers["date"])
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


class Limiter:
    """Spaces requests evenly, and holds all of them back when the server asks to wait."""

    def __init__(
        self,
        per_minute: float | None,
        clock: Callable[[], float] = clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._next = clock()

    async def turn(self) -> None:
        """Return when the next request may be sent."""
        while (wait := self._next - self._clock()) > 0:
            await self._sleep(wait)
        self._next = max(self._next, self._clock()) + self._interval

    def hold(self, seconds: float) -> None:
        """Let nobody ask for that long."""
        self._next = max(self._next, self._clock() + seconds)
