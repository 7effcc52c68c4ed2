"""A teacher behind an OpenAI-compatible endpoint."""

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from bench.teacher.journal import Finish, Reply, Sampling, StoppedError, UnansweredError
from bench.teacher.patience import Limiter, PassingError, Patience, backoff_s, retry_after_s
from bench.track import ConfigError
from leaderboard.store.reading import nearest
from tasks.corpora import n_tokens

KEY = "OPENAI_API_KEY"
NO_KEY = "none"
"""Sent where no key is set: local servers take any."""
LONGEST_WAIT_S = 120.0
"""Who is asked to wait longer had better come back later."""
REFUSALS = ("content_filter", "content_policy_violation", "context_length_exceeded")
"""Codes of servers that will never answer this prompt."""
MAY_PASS = (408, 409, 425, 429)
"""Statuses below 500 that are worth another attempt."""


class Endpoint:
    """Asks over HTTP; the key is read from the environment and stays in memory."""

    def __init__(
        self, url: str, model: str | None, sampling: Sampling, patience: Patience, *, plain: bool
    ) -> None:
        """`plain` asks for completions: prompts are texts to go on with, and no turn of a chat."""
        from openai import AsyncOpenAI

        parts = urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--teacher {self.origin}: expected http(s)://HOST[:PORT]/v1")
        self._key = os.environ.get(KEY) or NO_KEY
        self._client = AsyncOpenAI(api_key=self._key, base_url=url, max_retries=0, timeout=None)
        self._model, self.sampling, self._patience = model, sampling, patience
        self._plain = plain
        self._limiter = Limiter(patience.rate_limit)
        self._listed: list[str] = []
        self._met = False
        # Newer models there refuse the old name; servers elsewhere may know the old name alone.
        official = parts.hostname == "api.openai.com"
        self._limit_name = "max_completion_tokens" if official else "max_tokens"

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"model": self._model}

    async def choose_model(self) -> None:
        """Take the one model that is served, unless one was named; ConfigError if it is not one."""
        if self._model is not None:
            return
        await self.greet()
        if not self._listed:
            self._listed = await self._patiently(self._list_models, self._patience.retries)
        if len(self._listed) != 1:
            names = ", ".join(self._listed[:10]) or "nothing"
            raise ConfigError(f"give --model: {self.origin} lists {names}")
        self._model = self._listed[0]

    async def greet(self) -> None:
        """Notice at once that nobody is there or that the key is wrong; learn the models' names."""
        if self._listed:
            return
        try:
            self._listed = await self._patiently(self._list_models, retries=0)
        except UnansweredError as error:
            # Some servers list nothing and yet answer.
            if not self._met:
                raise StoppedError(
                    f"nothing answers at {self.origin} ({error}): is the server running?"
                ) from error

    async def ask(self, prompt: str, seed: int) -> Reply:
        """A reply; the endpoint draws by itself, as not every server takes a seed."""
        return await self._patiently(lambda: self._complete(prompt), self._patience.retries)

    async def aclose(self) -> None:
        await self._client.close()

    async def _patiently(self, call: Callable[[], Awaitable[Any]], retries: int) -> Any:
        """The call's result, asked for again while the fault may pass."""
        import openai

        fault = PassingError("")
        for attempt in range(retries + 1):
            await self._limiter.turn()
            try:
                async with asyncio.timeout(self._patience.timeout_s):
                    return await call()
            except TimeoutError:
                fault = PassingError(f"no reply within {self._patience.timeout_s:g} s")
            except openai.APIConnectionError as error:
                fault = PassingError(f"the connection failed: {error.__cause__ or error}")
            except openai.APIStatusError as error:
                fault = self._status(error)
            except ValueError as error:
                fault = PassingError(f"a reply that is no completion ({error})")
            if attempt < retries:
                await self._pause(fault, attempt)
        raise UnansweredError(f"{fault}; {retries + 1} attempts")

    async def _pause(self, fault: PassingError, attempt: int) -> None:
        wait_s = fault.wait_s or 0.0
        if wait_s > LONGEST_WAIT_S:
            raise StoppedError(f"{self.origin} asks to wait {wait_s:.0f} s: come back then")
        self._limiter.hold(wait_s)
        await asyncio.sleep(max(wait_s, backoff_s(attempt, random.random())))

    def _status(self, error: Any) -> PassingError:
        """The fault if it may pass; else StoppedError or UnansweredError."""
        self._met = True
        status = error.status_code
        said = f"status {status}: {self._words(error.body)}"
        where = f"{self.origin}: {said}"
        if status in (401, 403):
            state = "is refused" if self._key != NO_KEY else "is not set"
            raise StoppedError(f"{where}: {KEY} {state}") from error
        if status == 404:
            hint = nearest(str(self._model), self._listed) if self._listed else "check --model"
            raise StoppedError(
                f"{where}: there is no model '{self._model}' ({hint}), or no endpoint at this URL,"
                " which usually ends in /v1"
            ) from error
        if error.code == "insufficient_quota":
            raise StoppedError(f"{where}: the account has no quota left") from error
        if status >= 500 or status in MAY_PASS:
            return PassingError(said, retry_after_s(error.response.headers))
        raise UnansweredError(said) from error

    def _words(self, body: object) -> str:
        """What the server says of a fault, in one line, without the key should it repeat it."""
        known = body if isinstance(body, dict) else {}
        words = known.get("message") or known.get("detail") or body
        return " ".join(str(words).split()).replace(self._key, "***")[:300]

    async def _list_models(self) -> list[str]:
        raw = await self._client.models.with_raw_response.list()
        self._met = True
        try:
            return sorted(str(model["id"]) for model in json.loads(raw.text)["data"])
        except (TypeError, KeyError) as error:
            raise ValueError("no list of models") from error

    async def _complete(self, prompt: str) -> Reply:
        import openai

        sampling = self.sampling
        body: dict[str, Any] = {"model": self._model, "temperature": sampling.temperature}
        body |= {"top_p": sampling.top_p} if sampling.top_p < 1 else {}
        body |= {"stop": list(sampling.stop)} if sampling.stop else {}
        try:
            if self._plain:
                body |= {"prompt": prompt, "max_tokens": sampling.max_tokens}
                raw = await self._client.completions.with_raw_response.create(**body)
            else:
                messages = [{"role": "user", "content": prompt}]
                body |= {"messages": messages, self._limit_name: sampling.max_tokens}
                raw = await self._client.chat.completions.with_raw_response.create(**body)
        except openai.BadRequestError as error:
            if error.code not in REFUSALS:
                raise
            return Reply("", "refused", 0, 0, estimated=True)
        self._met = True
        return read_completion(raw.text, prompt)


def read_completion(text: str, prompt: str) -> Reply:
    """The reply in the JSON of a completion, of a chat or a text; ValueError if it is none."""
    body = json.loads(text)
    try:
        choice = body["choices"][0]
        content = choice["text"] if "text" in choice else choice["message"].get("content")
        finish = choice.get("finish_reason")
        usage = body.get("usage") or {}
        n_prompt, n_written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("no choices") from error
    if not isinstance(content, str | None):
        raise ValueError("the content is no text")
    known: dict[Any, Finish] = {"length": "length", "content_filter": "refused"}
    ended, content = known.get(finish, "stop"), content or ""
    if type(n_prompt) is int and type(n_written) is int:
        return Reply(content, ended, n_prompt, n_written, estimated=False)
    return Reply(content, ended, n_tokens(prompt), n_tokens(content), estimated=True)
